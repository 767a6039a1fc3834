# What ECOs do to single cells of a placed design, by names: what the tool finds and replaces dies when it is edited.
#
# Nothing is exchanged for a cell that the tool does not hold for equivalent: asked to, it prints an error and has already
# dropped the timing of the instance, so that paths through it look met.

namespace eval ::n2 {
  variable protected_instances {}
  variable protected_cells {}
  variable withheld_instances
  array set withheld_instances {}
  variable withheld_cells
  array set withheld_cells {}
  variable protected_nets {}
  variable withheld_nets
  array set withheld_nets {}
  variable dont_use {}
  # What the tool was told to leave alone for the time of an ECO.
  variable held_instances {}
  variable held_nets {}
}

proc ::n2::matches_any {patterns name} {
  foreach pattern $patterns { if {[string match $pattern $name]} { return 1 } }
  return 0
}

proc ::n2::may_edit {name cell} {
  variable protected_instances; variable protected_cells; variable withheld_instances; variable withheld_cells
  if {[matches_any $protected_instances $name] || [matches_any $protected_cells $cell]} { return 0 }
  expr {![info exists withheld_instances($name)] && ![info exists withheld_cells($cell)]}
}

proc ::n2::withhold {kind names} {
  foreach name $names { set ::n2::withheld_${kind}($name) 1 }
}

# The commands of the tool itself keep to what they are told to.
proc ::n2::keep_what_is_withheld {} {
  variable protected_instances; variable protected_nets; variable protected_cells
  variable withheld_instances; variable withheld_cells; variable withheld_nets
  variable held_instances; variable held_nets
  set nothing [expr {[array size withheld_instances] + [array size withheld_cells] + [array size withheld_nets] == 0}]
  if {$nothing && $protected_instances eq {} && $protected_nets eq {} && $protected_cells eq {}} { return }
  step withhold {
    foreach inst [[ord::get_db_block] getInsts] {
      set name [$inst getName]
      set cell [[$inst getMaster] getName]
      if {![may_edit $name $cell] && ![$inst isDoNotTouch]} { $inst setDoNotTouch 1; lappend held_instances $name }
    }
    foreach net [[ord::get_db_block] getNets] {
      set name [$net getName]
      if {([info exists withheld_nets($name)] || [matches_any $protected_nets $name]) && ![$net isDoNotTouch]} {
        $net setDoNotTouch 1
        lappend held_nets $name
      }
    }
  }
}

# What was held for this ECO alone is free again in the database that is written: another stage has its own rules.
proc ::n2::release_what_was_withheld {} {
  variable held_instances; variable held_nets
  set block [ord::get_db_block]
  foreach {names find} [list $held_instances findInst $held_nets findNet] {
    foreach name $names {
      set object [$block $find $name]
      if {$object ne "NULL" && $object ne ""} { $object setDoNotTouch 0 }
    }
  }
}

proc ::n2::table {name key {default ""}} {
  if {[info exists ::n2::${name}($key)]} { return [set ::n2::${name}($key)] }
  return $default
}

proc ::n2::is_sequential {cell} { table sequential $cell 0 }

# The instances on the worst paths of a check (max or min) with their cells, heaviest delay first, ties by name.
proc ::n2::instances_on_worst {delay paths} {
  array set weight {}
  array set cell_of {}
  foreach corner [expr {$delay eq "max" ? $::n2::setup_corners : $::n2::hold_corners}] {
    foreach end [placed_ends $corner $delay $paths] {
      set before ""
      foreach point [get_property $end points] {
        set pin [get_property $point pin]
        set arrival [get_property $point arrival]
        set inst [get_cells -quiet -of_objects $pin]
        if {$inst ne "" && [get_property $pin direction] eq "output"} {
          set name [get_full_name $inst]
          set cell_of($name) [get_property $inst ref_name]
          set spent [expr {$before eq "" ? 0.0 : $arrival - $before}]
          set weight($name) [expr {[info exists weight($name)] ? $weight($name) + $spent : $spent}]
        }
        set before $arrival
      }
    }
  }
  set keyed {}
  foreach name [array names weight] { lappend keyed [list $weight($name) $name] }
  set ranked {}
  foreach key [lsort -real -decreasing -index 0 [lsort -index 1 $keyed]] {
    lappend ranked [lindex $key 1] $cell_of([lindex $key 1])
  }
  return $ranked
}

proc ::n2::library_cell {cell} { lindex [get_lib_cells -quiet */$cell] 0 }

# Whether one cell may stand for another: by what its libraries say, and by the tool itself where it can be asked.
proc ::n2::may_replace {from to} {
  if {$to eq "" || $from eq $to || [matches_any $::n2::dont_use $to]} { return 0 }
  if {[table function $from] ne [table function $to]} { return 0 }
  set one [library_cell $from]
  set other [library_cell $to]
  if {$one eq "" || $other eq ""} { return 0 }
  if {[info commands ::sta::equiv_cells] ne ""} { return [::sta::equiv_cells $one $other] }
  return 1
}

# Exchanges the cell of an instance, and makes sure that it did; 0 where it may not.
proc ::n2::resize {name cell} {
  set inst [get_cells -quiet $name]
  if {[llength $inst] != 1} { return 0 }
  set from [get_property $inst ref_name]
  if {![may_edit $name $from] || ![may_replace $from $cell]} { return 0 }
  replace_cell $inst [library_cell $cell]
  set now [get_property [get_cells $name] ref_name]
  if {$now ne $cell} { error "instance $name is a $now and not the $cell that it was to become" }
  return 1
}

# The cell of the same family and flavour that is `steps` stronger (weaker where negative), as far as the family goes; ""
# where there is none.
proc ::n2::sized {cell steps} {
  set flavour [flavour_of $cell]
  set family {}
  foreach other [table family $cell] {
    if {$other eq $cell || (![matches_any $::n2::dont_use $other] && [flavour_of $other] eq $flavour)} { lappend family $other }
  }
  set at [lsearch -exact $family $cell]
  set target [expr {min(max($at + $steps, 0), [llength $family] - 1)}]
  if {$at < 0 || $target == $at} { return "" }
  lindex $family $target
}

# The twin of a cell in another threshold flavour; "" where there is none.
proc ::n2::twin {cell flavour} {
  foreach {known twin} [table twins $cell] { if {$known eq $flavour} { return $twin } }
  return ""
}

# How many instances there are: what an ECO of the tool's own made is told by the difference.
proc ::n2::count_instances {} { llength [[ord::get_db_block] getInsts] }

# Keeps a counter or a remark of an ECO; the last value of a key counts.
proc ::n2::note {key value} {
  variable notes
  set notes($key) $value
}
