//! OpenROAD, through its database (`odb`) rather than through OpenSTA's editing commands: an exchange of
//! cells there that OpenSTA refuses loses the timing of the cell, and timing then looks better.
//!
//! From OpenLane's `scripts/tcl_commands/eco.tcl` (`dbBlock findInst`, `dbDatabase findMaster`, `dbInst
//! swapMaster`, `odb::dbInst_create BLOCK MASTER NAME`, `odb::dbNet_create BLOCK NAME`, `odb::dbITerm_connect
//! ITERM NET`), from public tests of `odb` and `grt` (`dbBlock findNet`, `ITERM disconnect`,
//! `odb::dbInst_destroy`, `odb::dbNet_destroy`), and from the database's interface (`dbInst findITerm`). Not
//! carried out here.

use super::{Step, calls};

const PROCEDURES: &str = r#"namespace eval ::n2_eco {
  # Makes the edits; the first that does not fit ends them.
  proc apply {edits} { if {[catch {uplevel #0 $edits} message]} { error "the ECO ended here: $message" } }
  # Brackets and dividers that are part of a name may be escaped in the database.
  proc find {method name} {
    foreach spelling [list $name [string map {[ \\[ ] \\]} $name] [string map {[ \\[ ] \\] / \\/} $name]] {
      set found [[ord::get_db_block] $method $spelling]
      if {$found ne "NULL"} { return $found }
    }
    error "$method finds no $name"
  }
  proc master {name} {
    set master [[ord::get_db] findMaster $name]
    if {$master eq "NULL"} { error "no library has the cell $name" }
    return $master
  }
  proc check_cell {name cell} {
    set found [[[find findInst $name] getMaster] getName]
    if {$found ne $cell} { error "instance $name is $found, not $cell" }
  }
  proc pin {name pin} {
    set found [[find findInst $name] findITerm $pin]
    if {$found eq "NULL"} { error "instance $name has no pin $pin" }
    return $found
  }
  proc new_net {name} {
    if {[odb::dbNet_create [ord::get_db_block] $name] eq "NULL"} { error "net $name was not made" }
  }
  # A new cell has no place yet: give it one beside what it is connected to, then run detailed_placement.
  proc insert {name cell} {
    if {[odb::dbInst_create [ord::get_db_block] [master $cell] $name] eq "NULL"} { error "instance $name was not made" }
  }
  proc resize {name from to} {
    check_cell $name $from
    if {![[find findInst $name] swapMaster [master $to]]} { error "instance $name did not become $to" }
  }
  proc disconnect {name pin net} {
    set on [[pin $name $pin] getNet]
    if {$on eq "NULL" || [$on getName] ne [[find findNet $net] getName]} { error "pin $name/$pin is not on net $net" }
    [pin $name $pin] disconnect
  }
  proc connect {name pin net} {
    if {[[pin $name $pin] getNet] ne "NULL"} { error "pin $name/$pin is connected already" }
    odb::dbITerm_connect [pin $name $pin] [find findNet $net]
  }
  proc remove {name cell} {
    check_cell $name $cell
    odb::dbInst_destroy [find findInst $name]
  }
  proc remove_net {name} { odb::dbNet_destroy [find findNet $name] }
}
"#;

pub(super) fn script(steps: &[Step]) -> String {
    PROCEDURES.to_owned() + &calls(steps)
}
