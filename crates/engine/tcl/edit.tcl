# The editing library that every Tcl ECO is written in.
#
# Owns: what may be edited, the edits themselves, and the transactions that try and undo them. An ECO
# never calls an editing command of the engine itself. What it may ask while it edits is in `timing.tcl`.
#
# What was edited is not written down here: the design that comes out is compared with its parent.
# Times are seconds, capacitances farads, as the engine holds them inside.
#
# Never asks for total negative slack or power: those make later answers of the engine inexact.
# Never lets the address of an object decide anything: objects are ordered by name.

namespace eval ::n2 {
  # A slack is worth comparing to this many seconds (1 fs): the engine computes in single precision.
  variable resolution 1e-15
  # Slack of a pin that no check constrains, as the engine states it, is far above this.
  variable unconstrained 1e20

  variable made_names 0
  variable transaction_open 0
  variable transaction_undo {}
  variable transaction_removals {}
  variable transaction_names 0
  variable removals {}
  # The cells of instances before they were exchanged, and whether nets were touched.
  variable cell_before
  array set cell_before {}
  variable rewired 0

  variable corner_position
  variable clock_pin
  variable module_uses
  variable usable
}

# ---- names and objects -------------------------------------------------------------------------

proc ::n2::instance_name {inst} { ::sta::instance_property $inst full_name }
proc ::n2::net_name {net} { ::sta::net_property $net full_name }
proc ::n2::pin_name {pin} { ::sta::pin_property $pin full_name }
proc ::n2::cell_of {inst} { ::sta::instance_property $inst ref_name }

# The net of a pin, "NULL" where it has none. A port of the design has its net on the inside.
# The engine crashes when it is given NULL for an object, so callers test for it.
proc ::n2::net_of {pin} {
  if {![::sta::Pin_is_top_level_port $pin]} { return [::sta::Pin_net $pin] }
  set term [::sta::Pin_term $pin]
  if {$term eq "NULL"} { return NULL }
  return [::sta::Term_net $term]
}

# `objects` sorted by the name that `name_of` gives.
proc ::n2::sorted_by_name {name_of objects} {
  set keyed {}
  foreach object $objects { lappend keyed [list [$name_of $object] $object] }
  set sorted {}
  foreach pair [lsort -unique -index 0 $keyed] { lappend sorted [lindex $pair 1] }
  return $sorted
}

# All leaf instances, sorted by name.
proc ::n2::leaf_instances {} { sorted_by_name instance_name [::sta::network_leaf_instances] }

# Every pin that drives a net: outputs of leaf instances and input ports, sorted by name.
proc ::n2::all_drivers {} {
  set drivers {}
  foreach inst [leaf_instances] { lappend drivers {*}[output_pins $inst] }
  foreach port [::sta::all_inputs] {
    set pin [::sta::get_port_pin_error port $port]
    if {[net_of $pin] ne "NULL"} { lappend drivers $pin }
  }
  sorted_by_name pin_name $drivers
}

# The connected pins of an instance, sorted by name. The engine also lists internal state pins of
# registers, which have no net.
proc ::n2::pins_of {inst} {
  set pins {}
  foreach pin [::sta::instance_pins $inst] {
    if {[net_of $pin] ne "NULL"} { lappend pins $pin }
  }
  sorted_by_name pin_name $pins
}

proc ::n2::output_pins {inst} {
  set pins {}
  foreach pin [pins_of $inst] { if {[::sta::Pin_is_driver $pin]} { lappend pins $pin } }
  return $pins
}

proc ::n2::input_pins {inst} {
  set pins {}
  foreach pin [pins_of $inst] { if {[::sta::Pin_is_load $pin]} { lappend pins $pin } }
  return $pins
}

# The pin called `port` of an instance; an error where it has none.
proc ::n2::pin_of {inst port} {
  set pin [::sta::Instance_find_pin $inst $port]
  if {$pin eq "NULL"} { error "instance [instance_name $inst] has no pin $port" }
  return $pin
}

# `CELL/PIN` of an instance pin: the key of the tables of limits.
proc ::n2::library_pin {pin} { return "[cell_of [::sta::Pin_instance $pin]]/[::sta::Pin_port_name $pin]" }

# The only driver of a net, or "" where it has none or several.
proc ::n2::driver_of {net} {
  set drivers [::sta::net_driver_pins $net]
  if {[llength $drivers] == 1} { return [lindex $drivers 0] }
  return ""
}

# The instance pins that a net drives, sorted by name.
proc ::n2::sinks_of {net} {
  set sinks {}
  foreach pin [::sta::net_load_pins $net] {
    if {![::sta::Pin_is_top_level_port $pin]} { lappend sinks $pin }
  }
  sorted_by_name pin_name $sinks
}

# Those of them that may be moved to another net: all but the pins of scan chains.
proc ::n2::movable_sinks_of {net} {
  set sinks {}
  foreach pin [sinks_of $net] { if {![is_scan_pin $pin]} { lappend sinks $pin } }
  return $sinks
}

# Whether a port of the design takes its value from the net.
proc ::n2::drives_port {net} {
  foreach pin [::sta::net_load_pins $net] {
    if {[::sta::Pin_is_top_level_port $pin]} { return 1 }
  }
  return 0
}

# The pins that drive the inputs of an instance, sorted by name.
proc ::n2::fanin_drivers {inst} {
  set drivers {}
  foreach pin [input_pins $inst] {
    set driver [driver_of [net_of $pin]]
    if {$driver ne "" && ![::sta::pin_is_clock $driver]} { lappend drivers $driver }
  }
  sorted_by_name pin_name $drivers
}

# The value of a table, or `default` where the library states none.
proc ::n2::table {name key {default ""}} {
  upvar #0 ::n2::${name}($key) value
  if {[info exists value]} { return $value }
  return $default
}

proc ::n2::is_sequential {cell} { return [table sequential $cell 0] }
proc ::n2::is_buffer {cell} {
  variable buffers; variable clock_buffers; variable delay_cells
  return [expr {$cell in $buffers || $cell in $clock_buffers || $cell in $delay_cells}]
}

# ---- what may be edited ------------------------------------------------------------------------

# Whether new instances of `cell` may be used: some library has it, and neither that nor the platform
# withholds it.
proc ::n2::may_use {cell} {
  variable usable
  if {![info exists usable($cell)]} { set usable($cell) [find_usable $cell] }
  return $usable($cell)
}

proc ::n2::find_usable {cell} {
  variable dont_use; variable protected_cells
  if {[is_protected $protected_cells $cell]} { return 0 }
  foreach pattern $dont_use { if {[string match $pattern $cell]} { return 0 } }
  set library_cell [::sta::find_liberty_cell $cell]
  if {$library_cell eq "NULL"} { return 0 }
  return [expr {![::sta::liberty_cell_property $library_cell dont_use]}]
}

# Whether a name fits one of the patterns by which the study protects objects.
proc ::n2::is_protected {patterns name} {
  foreach pattern $patterns { if {[string match $pattern $name]} { return 1 } }
  return 0
}

# Takes down names of one kind of protected objects: `marked_instances`, `marked_nets`, `marked_cells` or
# `scan_pins`.
proc ::n2::withhold {kind names} {
  foreach name $names { set ::n2::${kind}($name) 1 }
}

# Whether an instance, or a module that it is in, is marked as not to be touched.
proc ::n2::is_marked_instance {name} {
  variable marked_instances
  if {![array size marked_instances]} { return 0 }
  set part ""
  foreach level [split $name /] {
    append part $level
    if {[info exists marked_instances($part)]} { return 1 }
    append part /
  }
  return 0
}

# Whether no pin may join or leave a net.
proc ::n2::is_protected_net {net} {
  variable protected_nets; variable marked_nets
  set name [net_name $net]
  expr {[is_protected $protected_nets $name] || [info exists marked_nets($name)] || [is_marked_instance $name]}
}

# Whether a pin is part of a scan chain, so that it stays on its net.
proc ::n2::is_scan_pin {pin} {
  variable scan_pins
  if {![array size scan_pins] || [::sta::Pin_is_top_level_port $pin]} { return 0 }
  info exists scan_pins([pin_name $pin])
}

# Whether the module that holds an object is instantiated once. The Verilog writer writes each
# module once, so an edit inside a module that is used twice would appear in both places.
proc ::n2::module_is_unique {parent} {
  variable module_uses
  if {![info exists module_uses]} {
    array set module_uses {}
    count_module_uses [::sta::top_instance]
  }
  while {$parent ne "NULL" && $parent ne [::sta::top_instance]} {
    if {[table module_uses [::sta::cell_property [::sta::Instance_cell $parent] full_name] 1] > 1} { return 0 }
    set parent [::sta::Instance_parent $parent]
  }
  return 1
}

proc ::n2::count_module_uses {inst} {
  variable module_uses
  set children [::sta::Instance_child_iterator $inst]
  while {[::sta::InstanceChildIterator_has_next $children]} {
    set child [::sta::InstanceChildIterator_next $children]
    if {![::sta::Instance_is_leaf $child]} {
      set module [::sta::cell_property [::sta::Instance_cell $child] full_name]
      set module_uses($module) [expr {[table module_uses $module 0] + 1}]
      count_module_uses $child
    }
  }
  ::sta::InstanceChildIterator_finish $children
}

# Whether a net belongs to a clock: a clock reaches its driver, or it feeds a register's clock pin.
proc ::n2::is_clock_net {net} {
  variable clock_pin
  if {![info exists clock_pin]} { find_clock_pins }
  foreach pin [concat [::sta::net_driver_pins $net] [::sta::net_load_pins $net]] {
    if {[info exists clock_pin($pin)] || [::sta::pin_is_clock $pin]} { return 1 }
  }
  return 0
}

proc ::n2::find_clock_pins {} {
  variable clock_pin
  array set clock_pin {}
  foreach pin [::sta::all_registers -clock_pins] { set clock_pin($pin) 1 }
}

proc ::n2::is_constant {pin} { return [expr {[::sta::pin_sim_logic_value $pin] in {0 1}}] }

# Whether an instance may be resized, rewired or removed: a library cell outside the clock network.
proc ::n2::may_edit {inst} {
  variable protected_instances; variable protected_cells; variable marked_cells
  if {[::sta::Instance_liberty_cell $inst] eq "NULL"} { return 0 }
  if {[table function [cell_of $inst]] eq ""} { return 0 }
  if {[is_protected $protected_instances [instance_name $inst]]} { return 0 }
  if {[is_protected $protected_cells [cell_of $inst]]} { return 0 }
  if {[is_marked_instance [instance_name $inst]] || [info exists marked_cells([cell_of $inst])]} { return 0 }
  foreach pin [output_pins $inst] { if {[is_clock_net [net_of $pin]]} { return 0 } }
  return [module_is_unique [::sta::Instance_parent $inst]]
}

# Whether sinks of a net may be connected elsewhere: one real driver, no clock, no constant, all
# within one module.
proc ::n2::may_rewire {net} {
  set driver [driver_of $net]
  if {$driver eq "" || [is_protected_net $net]} { return 0 }
  if {[::sta::pin_property $driver direction] ni {input output}} { return 0 }
  if {[is_constant $driver] || [is_clock_net $net]} { return 0 }
  foreach pin [::sta::net_connected_pins_sorted $net] {
    if {[::sta::Pin_is_hierarchical $pin]} { return 0 }
  }
  return [module_is_unique [::sta::Net_instance $net]]
}

# Whether `cell` computes pin for pin what the instance computes now, and may stand in its place.
proc ::n2::may_become {inst cell} {
  set function [table function [cell_of $inst]]
  return [expr {$function ne "" && $function eq [table function $cell] && [may_use $cell]}]
}

# The threshold flavour of a cell, "" where the library has but one.
proc ::n2::flavour_of {cell} {
  foreach {flavour twin} [table twins $cell] {
    foreach {own candidate} [table twins $twin] { if {$candidate eq $cell} { return $own } }
  }
  return ""
}

# The cells of one drive family that may be used and have the flavour of `cell`, weak to strong.
proc ::n2::usable_family {cell} {
  set flavour [flavour_of $cell]
  set usable {}
  foreach member [table family $cell $cell] {
    if {$member eq $cell || ([may_use $member] && [flavour_of $member] eq $flavour)} { lappend usable $member }
  }
  return $usable
}

# The cell `steps` drives stronger (weaker, where negative) than `cell`, as far as the family goes;
# "" where there is none.
proc ::n2::stronger {cell steps} {
  set family [usable_family $cell]
  set position [lsearch -exact $family $cell]
  set target [expr {min(max($position + $steps, 0), [llength $family] - 1)}]
  if {$target == $position} { return "" }
  return [lindex $family $target]
}

# The usable cells of `cells` whose flavour fits beside `neighbour`, in the same order.
proc ::n2::usable_beside {cells neighbour} {
  set flavour [flavour_of $neighbour]
  set usable {}
  foreach cell $cells {
    if {[may_use $cell] && ($flavour eq "" || [flavour_of $cell] in [list "" $flavour])} { lappend usable $cell }
  }
  return $usable
}

# A buffer for `load` farads. `size` is small, medium, large, or auto: the weakest whose limit is
# twice the load, which keeps its delay near the least that the family can give.
proc ::n2::choose_buffer {size load neighbour} {
  variable buffers
  set usable [usable_beside $buffers $neighbour]
  if {$usable eq ""} { return "" }
  switch -- $size {
    small { return [lindex $usable 0] }
    medium { return [lindex $usable [expr {[llength $usable] / 2}]] }
    large { return [lindex $usable end] }
  }
  foreach cell $usable {
    set limit [table max_capacitance $cell/[table buffer_output $cell]]
    if {$limit ne "" && $limit >= 2 * $load} { return $cell }
  }
  return [lindex $usable end]
}

# ---- transactions ------------------------------------------------------------------------------

# Starts a transaction: edits are made at once, and become final or are taken back together.
proc ::n2::start_edits {} {
  variable transaction_open; variable transaction_names; variable made_names
  if {$transaction_open} { error "a transaction is already open" }
  set transaction_open 1
  set transaction_names $made_names
}

# Makes the edits of the open transaction final. Instances and nets that it gave up wait, without
# connections, for `delete_removed`.
proc ::n2::keep_edits {} {
  variable transaction_open; variable transaction_undo
  variable transaction_removals; variable removals
  if {!$transaction_open} { error "no transaction is open" }
  lappend removals {*}$transaction_removals
  set transaction_open 0
  set transaction_undo {}
  set transaction_removals {}
}

# Takes back the edits of the open transaction, last first; names are free to be used again.
proc ::n2::undo_edits {} {
  variable transaction_open; variable transaction_names
  variable transaction_undo; variable transaction_removals; variable made_names
  if {!$transaction_open} { error "no transaction is open" }
  set transaction_open 0
  foreach action [lreverse $transaction_undo] { {*}$action }
  set transaction_undo {}
  set transaction_removals {}
  set made_names $transaction_names
}

# Keeps or takes back what was done since `start_edits`; returns `keep`.
proc ::n2::settle_edits {keep} {
  if {$keep} { keep_edits } else { undo_edits }
  return $keep
}

# Runs `script` in the caller's scope inside the open transaction, or in one of its own.
proc ::n2::in_transaction {script} {
  variable transaction_open
  if {$transaction_open} { return [uplevel 1 $script] }
  start_edits
  if {[catch {uplevel 1 $script} result options]} {
    undo_edits
    return -options $options $result
  }
  keep_edits
  return $result
}

# Takes down the command that takes back the edit that was just made.
proc ::n2::on_undo {inverse} {
  variable transaction_undo
  lappend transaction_undo $inverse
}

# ---- primitives: each checks what the engine did -----------------------------------------------

proc ::n2::make_name {kind} {
  variable prefix; variable made_names
  incr made_names
  return "${prefix}${kind}${made_names}"
}

proc ::n2::library_cell {cell} {
  set library_cell [::sta::find_liberty_cell $cell]
  if {$library_cell eq "NULL"} { error "no library has the cell $cell" }
  return $library_cell
}

# The instances whose cells differ from those that they had before the edits, by name, as `{1 {instance cell …}}`;
# `{0 {}}` where nets were touched too, be it that all was taken back.
proc ::n2::exchanges_made {} {
  variable cell_before; variable rewired
  if {$rewired} { return {0 {}} }
  set made {}
  foreach inst [sorted_by_name instance_name [array names cell_before]] {
    set cell [cell_of $inst]
    if {$cell ne $cell_before($inst)} { lappend made [instance_name $inst] $cell }
  }
  list 1 $made
}

proc ::n2::replace {inst cell} {
  variable cell_before
  if {![info exists cell_before($inst)]} { set cell_before($inst) [cell_of $inst] }
  # `replace_cell` says 0 and nothing else when the ports of the cells differ.
  if {[::sta::replace_cell $inst [library_cell $cell]] != 1 || [cell_of $inst] ne $cell} {
    error "the engine did not replace [instance_name $inst] ([cell_of $inst]) by $cell"
  }
}

proc ::n2::attach {inst port net} {
  variable rewired
  set rewired 1
  set library_port [::sta::Cell_find_port [::sta::Instance_cell $inst] $port]
  if {$library_port eq "NULL"} { error "instance [instance_name $inst] has no port $port" }
  ::sta::connect_pin_cmd $inst $library_port $net
  if {[net_of [pin_of $inst $port]] ne $net} {
    error "the engine did not connect [instance_name $inst]/$port to [net_name $net]"
  }
}

proc ::n2::detach {inst port} {
  variable rewired
  set rewired 1
  set pin [pin_of $inst $port]
  ::sta::disconnect_pin_cmd $pin
  if {[net_of [pin_of $inst $port]] ne "NULL"} {
    error "the engine did not disconnect [pin_name $pin]"
  }
}

proc ::n2::new_net {parent} {
  variable rewired
  set rewired 1
  set name [make_name w]
  set net [::sta::make_net_cmd $name $parent]
  if {$net in {"" 0 NULL}} { error "the engine did not make the net $name" }
  on_undo [list ::sta::delete_net_cmd $net]
  return $net
}

proc ::n2::new_instance {cell parent} {
  variable rewired
  set rewired 1
  if {![may_use $cell]} { error "the cell $cell may not be used" }
  set name [make_name u]
  set inst [::sta::make_instance_cmd $name [library_cell $cell] $parent]
  if {$inst in {"" 0 NULL}} { error "the engine did not make the instance $name" }
  on_undo [list ::sta::delete_instance_cmd $inst]
  return $inst
}

proc ::n2::connect {inst port net} {
  attach $inst $port $net
  on_undo [list ::n2::detach $inst $port]
}

# Disconnects an instance pin and returns the net that it was on.
proc ::n2::disconnect {inst port} {
  set net [net_of [pin_of $inst $port]]
  detach $inst $port
  on_undo [list ::n2::attach $inst $port $net]
  return $net
}

proc ::n2::move_pin {pin net} {
  set inst [::sta::Pin_instance $pin]
  set port [::sta::Pin_port_name $pin]
  disconnect $inst $port
  connect $inst $port $net
}

# Deletes the instances and nets that committed edits gave up. Only once, at the end: a deletion
# cannot be taken back, and the engine crashes when it re-times half of a design from which
# something was deleted, so everything is timed first.
proc ::n2::delete_removed {} {
  variable removals
  if {$removals eq ""} { return }
  ::sta::find_timing
  ::sta::find_requireds
  foreach {inst net} $removals {
    # Not `delete_instance`, which fails for objects and takes only names.
    ::sta::delete_instance_cmd $inst
    ::sta::delete_net_cmd $net
  }
  set removals {}
}

# ---- edits: each refuses (returns 0 or "") what is not safe ------------------------------------

# Replaces the cell of an instance by one of the same function. Returns whether it did.
proc ::n2::resize {inst cell} {
  set from [cell_of $inst]
  if {$from eq $cell || ![may_edit $inst] || ![may_become $inst $cell]} { return 0 }
  in_transaction {
    replace $inst $cell
    on_undo [list ::n2::replace $inst $from]
  }
  return 1
}

# Puts a buffer between the driver of a net and `sinks`, pins of the net. A sink that is an output
# port stays on the net that has its name: then the driver and the other sinks move to a new net.
# Returns the buffer's instance, "" where refused.
proc ::n2::insert_buffer {net sinks cell} {
  if {![may_rewire $net] || ![may_use $cell] || ![is_buffer $cell] || $sinks eq ""} { return "" }
  set driver [driver_of $net]
  set with_port 0
  foreach pin $sinks {
    if {[net_of $pin] ne $net || [is_scan_pin $pin]} { return "" }
    if {[::sta::Pin_is_top_level_port $pin]} { set with_port 1 }
  }
  # An input port that feeds through to an output port cannot leave its net either.
  if {$with_port && [::sta::Pin_is_top_level_port $driver]} { return "" }
  # Then the driver leaves its net, and the other sinks with it.
  if {$with_port && ([is_scan_pin $driver] || [llength [movable_sinks_of $net]] < [llength [sinks_of $net]])} { return "" }
  in_transaction {
    set parent [::sta::Net_instance $net]
    set made [new_net $parent]
    set buffer [new_instance $cell $parent]
    if {$with_port} {
      foreach pin [sinks_of $net] { if {$pin ni $sinks} { move_pin $pin $made } }
      move_pin $driver $made
      connect $buffer [table buffer_input $cell] $made
      connect $buffer [table buffer_output $cell] $net
    } else {
      foreach pin [sorted_by_name pin_name $sinks] { move_pin $pin $made }
      connect $buffer [table buffer_input $cell] $net
      connect $buffer [table buffer_output $cell] $made
    }
  }
  return $buffer
}

# Doubles the combinational driver of a net; the copy drives `sinks`. Returns the copy, "" where refused.
proc ::n2::clone {net sinks} {
  if {![may_rewire $net] || $sinks eq ""} { return "" }
  set driver [driver_of $net]
  if {[::sta::Pin_is_top_level_port $driver]} { return "" }
  set inst [::sta::Pin_instance $driver]
  set cell [cell_of $inst]
  if {![may_edit $inst] || [is_sequential $cell] || ![may_use $cell]} { return "" }
  foreach pin $sinks {
    if {[::sta::Pin_is_top_level_port $pin] || [net_of $pin] ne $net || [is_scan_pin $pin]} { return "" }
  }
  # Nets of other modules and clocks would gain a load that the original was allowed to be.
  foreach pin [input_pins $inst] {
    if {[is_clock_net [net_of $pin]] || [driver_of [net_of $pin]] eq ""} { return "" }
    if {[is_protected_net [net_of $pin]]} { return "" }
  }
  in_transaction {
    set parent [::sta::Instance_parent $inst]
    set made [new_net $parent]
    set copy [new_instance $cell $parent]
    foreach pin [input_pins $inst] { connect $copy [::sta::Pin_port_name $pin] [net_of $pin] }
    connect $copy [::sta::Pin_port_name $driver] $made
    foreach pin [sorted_by_name pin_name $sinks] { move_pin $pin $made }
  }
  return $copy
}

# Whether an instance is a buffer that can be taken out: its sinks can live on its input's net.
proc ::n2::may_remove_buffer {inst} {
  set cell [cell_of $inst]
  if {![is_buffer $cell] || ![may_edit $inst]} { return 0 }
  foreach port [list [table buffer_input $cell] [table buffer_output $cell]] {
    set pin [::sta::Instance_find_pin $inst $port]
    if {$pin eq "NULL" || [net_of $pin] eq "NULL" || ![may_rewire [net_of $pin]]} { return 0 }
    if {[is_scan_pin $pin]} { return 0 }
  }
  return [expr {![drives_port [net_of [pin_of $inst [table buffer_output $cell]]]]}]
}

# Takes a buffer out; its sinks go to the net at its input. Returns whether it did.
proc ::n2::remove_buffer {inst} {
  variable transaction_removals
  if {![may_remove_buffer $inst]} { return 0 }
  set cell [cell_of $inst]
  in_transaction {
    set before [disconnect $inst [table buffer_input $cell]]
    set after [disconnect $inst [table buffer_output $cell]]
    foreach pin [sinks_of $after] { move_pin $pin $before }
    lappend transaction_removals $inst $after
  }
  return 1
}

# Exchanges the nets of two pins whose exchange does not change the function. Returns whether it did.
proc ::n2::swap_pins {inst first second} {
  if {![may_edit $inst] || $first eq $second} { return 0 }
  set interchangeable 0
  foreach group [table pin_groups [cell_of $inst]] {
    if {$first in $group && $second in $group} { set interchangeable 1 }
  }
  if {!$interchangeable} { return 0 }
  set one [net_of [pin_of $inst $first]]
  set other [net_of [pin_of $inst $second]]
  if {$one eq "NULL" || $other eq "NULL" || $one eq $other} { return 0 }
  if {[is_clock_net $one] || [is_clock_net $other]} { return 0 }
  if {[is_protected_net $one] || [is_protected_net $other]} { return 0 }
  if {[is_scan_pin [pin_of $inst $first]] || [is_scan_pin [pin_of $inst $second]]} { return 0 }
  in_transaction {
    disconnect $inst $first
    disconnect $inst $second
    connect $inst $first $other
    connect $inst $second $one
  }
  return 1
}

# ---- the end -----------------------------------------------------------------------------------

# Ends the editing: called once, after the ECO and before the design is written. The engine's answers
# are not to be believed afterwards: what it computed step by step while the design was edited differs
# in the last digits of slacks, and grossly in power, whose activities follow stale levels.
proc ::n2::finish_editing {} {
  variable transaction_open
  if {$transaction_open} { error "the ECO left a transaction open" }
  delete_removed
}
