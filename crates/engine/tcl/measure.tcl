# Measures the design as it stands and writes what it finds, corner by corner.
#
# A value that cannot be read is left out: nothing here writes a zero for something unknown. Each
# reading is guarded on its own, so that one that a version of the engine does not offer takes only
# itself along; it is told as `unread`.
#
# Runs after all edits. Asked before an edit, power and total negative slack make later answers of
# the engine inexact.

# Runs one reading.
proc ::n2::reading {what script} {
  if {[catch {uplevel 1 $script} message]} { emit unread $what $message }
}

proc ::n2::metric {corner name value} {
  set value [exact $value]
  if {$value ne ""} { emit metric $corner $name $value }
}

# Measures everything; power and slews only in the corners of `own_libraries`, since versions of the engine
# take both from the libraries that were read first, whatever the corner. `annotated` says whether
# wires come from a file of parasitics.
proc ::n2::measure {own_libraries annotated} {
  step measure {
    read_units
    emit time_unit [exact $::n2::time_unit]
    reading clocks { measure_clocks }
    reading cells { measure_cells }
    foreach corner $::n2::corners {
      foreach {check delay corners} [list setup max $::n2::setup_corners hold min $::n2::hold_corners] {
        if {$corner in $corners} {
          reading "$check $corner" { measure_check $corner $check $delay }
          reading "$check paths $corner" { measure_paths $corner $check $delay $annotated }
        }
      }
      reading "loads $corner" { measure_loads $corner }
      if {$annotated} { reading "wires $corner" { measure_wires $corner } }
    }
    reading coverage { measure_coverage }
  }
  measure_own_libraries $own_libraries
}

proc ::n2::measure_own_libraries {corners} {
  step power {
    foreach corner $corners {
      reading "power $corner" { measure_power $corner }
      reading "slew $corner" { measure_slew $corner }
    }
  }
}

proc ::n2::measure_clocks {} {
  foreach clock [all_clocks] {
    set period [picoseconds [::sta::Clock_period $clock]]
    emit clock [get_name $clock] [exact $period] [::sta::Clock_waveform_valid $clock]
  }
}

proc ::n2::find_ends {corner delay count args} {
  # Renamed in later versions of the engine.
  set option -group_count
  if {[string match *-group_path_count* [info body ::sta::find_timing_paths_cmd]]} { set option -group_path_count }
  find_timing_paths -corner $corner -path_delay $delay $option $count {*}$args
}

# The engine's `get_property` finds out anew what kind of object it is given, at ten times the cost.
proc ::n2::endpoint_of {end} { pin_name [::sta::Vertex_pin [::sta::PathEnd_vertex $end]] }
proc ::n2::startpoint_of {end} { get_full_name [::sta::path_end_property $end startpoint] }

proc ::n2::measure_check {corner check delay} {
  set object [::sta::find_corner $corner]
  set slack [picoseconds [::sta::worst_slack_corner $object $delay]]
  if {[exact $slack] eq ""} { emit no_paths $corner $check; return }
  metric $corner ${check}_ws_ps $slack
  metric $corner ${check}_wns_ps [expr {min($slack, 0.0)}]
  # The slack of an endpoint is the worst of its checks and path groups.
  array set slacks {}
  foreach end [find_ends $corner $delay 100000000] {
    set slack [::sta::PathEnd_slack $end]
    set endpoint [endpoint_of $end]
    if {![info exists slacks($endpoint)] || $slack < $slacks($endpoint)} { set slacks($endpoint) $slack }
  }
  # The engine adds single precision numbers in the order of their addresses: its last digits differ
  # between processes. The sum of the same slacks, in the order of names, does not.
  set total 0.0
  set violating 0
  set fields {}
  foreach endpoint [lsort [array names slacks]] {
    set slack $slacks($endpoint)
    if {$slack < 0.0} { set total [expr {$total + $slack}]; incr violating }
    if {abs($slack) < 1e20} { lappend fields $endpoint [picoseconds $slack] }
  }
  metric $corner ${check}_tns_ps [picoseconds $total]
  metric $corner ${check}_violating_endpoints $violating
  emit endpoints $corner $check {*}$fields
  measure_groups $corner $check $delay
}

# The worst path of each path group, and of all.
proc ::n2::measure_groups {corner check delay} {
  variable group_names
  set worst ""
  foreach end [find_ends $corner $delay 1] {
    set slack [::sta::PathEnd_slack $end]
    if {$worst eq "" || $slack < [::sta::PathEnd_slack $worst]} { set worst $end }
    if {$group_names eq {}} { emit_group $corner $check [group_of $end] $slack }
  }
  if {$worst ne ""} { emit_path $corner $check $worst }
  if {$group_names eq {}} { return }
  # With groups of the constraints' own making, a path's group cannot be told from its clock.
  set names [concat $group_names {**async_default** **clock_gating_default** **default**}]
  foreach clock [all_clocks] { lappend names [get_name $clock] }
  foreach name [lsort -unique $names] {
    if {![::sta::is_path_group_name $name]} { continue }
    foreach end [find_ends $corner $delay 1 -path_group [list $name]] {
      emit_group $corner $check $name [::sta::PathEnd_slack $end]
    }
  }
}

proc ::n2::emit_group {corner check name slack} {
  set slack [exact [picoseconds $slack]]
  if {$slack ne ""} { emit group $corner $check $name $slack }
}

# The path group that the engine puts a path into where the constraints make no groups.
proc ::n2::group_of {end} {
  if {[::sta::PathEnd_is_gated_clock $end]} { return "**clock_gating_default**" }
  if {[::sta::PathEnd_is_check $end] && [::sta::PathEnd_check_role $end] in {recovery removal}} { return "**async_default**" }
  set clock [::sta::PathEnd_target_clk $end]
  if {$clock eq "NULL"} { return "**default**" }
  get_name $clock
}

# A path as start, end, slack, and the instances that it goes through with their cells.
proc ::n2::emit_path {corner check end} {
  set slack [exact [picoseconds [::sta::PathEnd_slack $end]]]
  if {$slack eq ""} { return }
  set fields [list [startpoint_of $end] [endpoint_of $end] $slack]
  foreach point [::sta::path_end_property $end points] {
    set pin [get_property $point pin]
    if {[::sta::Pin_is_top_level_port $pin] || ![::sta::Pin_is_driver $pin]} { continue }
    set inst [::sta::Pin_instance $pin]
    lappend fields [get_full_name $inst] [::sta::instance_property $inst ref_name]
  }
  emit path $corner $check {*}$fields
}

# What the worst paths are made of, worst first, one for each endpoint. More are asked for than are told, so that
# among paths of equal slack names decide.
proc ::n2::measure_paths {corner check delay annotated} {
  set keyed {}
  foreach end [find_ends $corner $delay 10] {
    set slack [exact [picoseconds [::sta::PathEnd_slack $end]]]
    if {$slack eq ""} { continue }
    set names [list [startpoint_of $end] [endpoint_of $end]]
    lappend keyed [list $slack [lindex $names 1] $names $end]
  }
  foreach key [lrange [lsort -real -index 0 [lsort -index 1 $keyed]] 0 2] {
    lassign $key slack endpoint names end
    emit path_profile $corner $check {*}$names $slack {*}[path_drivers $corner $check $end $annotated]
  }
}

# The drivers of a path from start to end, seven fields each: instance or port, cell, delay through it, delay of
# the wire behind it, transition, sinks, load in farads. What is not known is empty: the delay through the start,
# wires unless they are annotated, and transitions where the engine does not tell them by corner.
proc ::n2::path_drivers {corner check end annotated} {
  set object [::sta::find_corner $corner]
  set points {}
  foreach point [::sta::path_end_property $end points] {
    lappend points [list [::sta::PathRef_pin $point] [::sta::PathRef_arrival $point]]
  }
  set fields {}
  set last [expr {[llength $points] - 1}]
  for {set at 0} {$at <= $last} {incr at} {
    lassign [lindex $points $at] pin arrival
    if {![::sta::Pin_is_driver $pin]} { continue }
    set port [::sta::Pin_is_top_level_port $pin]
    set net [net_of $pin]
    if {$net eq "NULL"} { continue }
    set through ""
    if {$at > 0 && !$port} { set through [exact [picoseconds [expr {$arrival - [lindex $points $at-1 1]}]]] }
    set wire ""
    if {$annotated && $at < $last} { set wire [exact [picoseconds [expr {[lindex $points $at+1 1] - $arrival}]]] }
    set load 0.0
    foreach edge {rise fall} { set load [expr {max($load, [::sta::Net_capacitance $net $edge $object max])}] }
    if {$port} {
      lappend fields [pin_name $pin] ""
    } else {
      set inst [::sta::Pin_instance $pin]
      lappend fields [instance_name $inst] [cell_of $inst]
    }
    lappend fields $through $wire [transition_at $pin $corner $check] [llength [::sta::net_load_pins $net]] [exact $load]
  }
  return $fields
}

# The slower transition at a pin in a corner, in ps; "" where the engine's list is of an unknown form. It holds
# the least and the greatest of each corner, corners in the order of their names.
proc ::n2::transition_at {pin corner check} {
  set names [lsort -unique $::n2::corners]
  set index [expr {2 * [lsearch -exact $names $corner] + ($check eq "setup")}]
  set slowest ""
  foreach vertex [::sta::Pin_vertices $pin] {
    if {$vertex eq "NULL"} { continue }
    foreach edge {rise fall} {
      set slews [::sta::Vertex_slews $vertex $edge]
      if {[llength $slews] != 2 * [llength $names]} { return "" }
      set slew [lindex $slews $index]
      if {$slowest eq "" || $slew > $slowest} { set slowest $slew }
    }
  }
  if {$slowest eq ""} { return "" }
  exact [picoseconds $slowest]
}

proc ::n2::measure_power {corner} {
  lassign [::sta::design_power [::sta::find_corner $corner]] internal switching leakage total
  metric $corner power_internal_w $internal
  metric $corner power_switching_w $switching
  metric $corner power_leakage_w $leakage
  metric $corner power_w $total
}

proc ::n2::measure_slew {corner} {
  metric $corner max_slew_violations [llength [::sta::pin_slew_limit_violations [::sta::find_corner $corner] max]]
}

# The wires of annotated nets, and the nets that have none.
proc ::n2::measure_wires {corner} {
  set object [::sta::find_corner $corner]
  set wires 0.0; set nets_with_wires 0; set nets_without {}
  foreach net [driven_nets] {
    set wire [expr {max([::sta::Net_wire_capacitance $net rise $object max], [::sta::Net_wire_capacitance $net fall $object max])}]
    set wires [expr {$wires + $wire}]
    if {$wire > 0} {
      incr nets_with_wires
    } elseif {[::sta::net_load_pins $net] ne {}} {
      lappend nets_without [get_full_name $net]
    }
  }
  metric $corner annotated_nets $nets_with_wires
  metric $corner wire_capacitance_pf [expr {$wires * 1e12}]
  emit not_annotated $corner [llength $nets_without] [lindex [lsort $nets_without] 0]
}

# Endpoints that no constraint reaches, and what else the engine finds missing in the constraints.
proc ::n2::measure_coverage {} {
  # Each remark is a list of a text and the objects that it is about.
  set unconstrained 0
  foreach remark [::sta::check_timing_cmd 0 0 0 0 1 0 0] { incr unconstrained [expr {[llength $remark] - 1}] }
  foreach corner $::n2::corners { metric $corner unconstrained_endpoints $unconstrained }
  foreach remark [::sta::check_timing_cmd 1 1 1 1 0 1 1] {
    emit remark [lindex $remark 0] [lindex $remark 1]
  }
}
