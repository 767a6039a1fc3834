# Measures a placed design as it stands, corner by corner, with the commands that users of the tool have.
#
# A value that cannot be read is left out: nothing here writes a zero for something unknown. Each reading is guarded on
# its own; one that a version does not offer is told as `unread`. What has a report is also left as one, for people and
# for the readers of reports.

# Runs one reading.
proc ::n2::reading {what script} {
  if {[catch {uplevel 1 $script} message]} { emit unread $what $message }
}

proc ::n2::metric {corner name value} {
  set value [exact $value]
  if {$value ne ""} { emit metric $corner $name $value }
}

# The commands of this tool that print a report write it into a file when they are told so.
proc ::n2::report_into {path command} {
  if {[catch { uplevel #0 "$command > $path" } message]} { emit unread $path $message; return }
  emit report $path
}

proc ::n2::measure_placed {corners} {
  step measure {
    read_units
    emit time_unit [exact $::n2::time_unit]
    reading clocks { measure_placed_clocks }
    reading cells { measure_placed_cells }
    foreach corner $corners {
      foreach {check delay its_corners} [list setup max $::n2::setup_corners hold min $::n2::hold_corners] {
        if {$corner in $its_corners} {
          reading "$check $corner" { measure_slacks metric $corner $check $delay }
          reading "$check paths $corner" { measure_placed_paths $corner $check $delay }
        }
      }
    }
    foreach corner $corners { report_into power-$corner.rpt [concat report_power [of_corner $corner] -digits 8] }
    report_into limits.rpt "report_check_types -max_slew -max_cap -max_fanout -violators"
    report_into constraints.rpt "check_setup -verbose"
    report_into area.rpt "report_design_area"
    report_into units.rpt "report_units"
    foreach corner $corners {
      report_into paths-$corner.rpt [concat report_checks [of_corner $corner] -path_delay max -format full_clock_expanded -fields {{slew cap input_pins net fanout}} -group_path_count 20 -digits 6]
    }
  }
}

# The same slacks under other wires: `record` says which.
proc ::n2::measure_again {record corners} {
  step measure {
    read_units
    foreach corner $corners {
      foreach {check delay its_corners} [list setup max $::n2::setup_corners hold min $::n2::hold_corners] {
        if {$corner in $its_corners} { reading "$record $check $corner" { measure_slacks $record $corner $check $delay } }
      }
    }
  }
}

# With one corner, commands are not told which.
proc ::n2::of_corner {corner} {
  if {[llength $::n2::corners] < 2} { return {} }
  list -corner $corner
}

proc ::n2::measure_placed_clocks {} {
  foreach clock [all_clocks] {
    set period [in_picoseconds [get_property $clock period]]
    emit clock [get_name $clock] [exact $period] [expr {$period > 0}]
  }
}

# What a property in the tool's unit of time is in picoseconds; "" for what is no number, and for its infinities.
proc ::n2::in_picoseconds {value} {
  variable time_unit
  if {![string is double -strict $value] || abs($value) >= 1e29} { return "" }
  expr {$value * double("1e[expr {round(log10($time_unit)) + 12}]")}
}

proc ::n2::placed_ends {corner delay count args} {
  find_timing_paths {*}[of_corner $corner] -path_delay $delay -group_path_count $count {*}$args
}

proc ::n2::measure_slacks {record corner check delay} {
  set worst ""
  foreach end [placed_ends $corner $delay 1] {
    set slack [in_picoseconds [get_property $end slack]]
    if {$slack ne "" && ($worst eq "" || $slack < $worst)} { set worst $slack }
  }
  if {$worst eq ""} {
    if {$record eq "metric"} { emit no_paths $corner $check }
    return
  }
  emit $record $corner ${check}_ws_ps [exact $worst]
  emit $record $corner ${check}_wns_ps [exact [expr {min($worst, 0.0)}]]
  # The slack of an endpoint is the worst of its checks and path groups.
  array set slacks {}
  set which {}
  # Of what is measured again, endpoints that keep their times are of no use.
  if {$record ne "metric"} { set which {-slack_max 0} }
  foreach end [placed_ends $corner $delay 1000000 {*}$which] {
    set slack [in_picoseconds [get_property $end slack]]
    if {$slack eq ""} { continue }
    set endpoint [get_full_name [get_property $end endpoint]]
    if {![info exists slacks($endpoint)] || $slack < $slacks($endpoint)} { set slacks($endpoint) $slack }
  }
  # The tool adds single precision numbers in the order of their addresses; the order of names is always the same.
  set total 0.0
  set violating 0
  set fields {}
  foreach endpoint [lsort [array names slacks]] {
    set slack $slacks($endpoint)
    if {$slack < 0.0} { set total [expr {$total + $slack}]; incr violating }
    lappend fields $endpoint [exact $slack]
  }
  emit $record $corner ${check}_tns_ps [exact $total]
  emit $record $corner ${check}_violating_endpoints $violating
  if {$record eq "metric"} { emit endpoints $corner $check {*}$fields }
}

# The worst path as start, end, slack, and the instances that it goes through with their cells; then what the worst are
# made of.
proc ::n2::measure_placed_paths {corner check delay} {
  set keyed {}
  foreach end [placed_ends $corner $delay 10] {
    set slack [in_picoseconds [get_property $end slack]]
    if {$slack eq ""} { continue }
    set names [list [get_full_name [get_property $end startpoint]] [get_full_name [get_property $end endpoint]]]
    lappend keyed [list [exact $slack] [lindex $names 1] $names $end]
  }
  set ranked [lsort -real -index 0 [lsort -index 1 $keyed]]
  set first 1
  foreach key [lrange $ranked 0 2] {
    lassign $key slack endpoint names end
    set drivers [placed_drivers $end]
    if {$first} {
      set cells {}
      foreach {inst cell through wire transition sinks load} $drivers {
        if {$cell ne ""} { lappend cells $inst $cell }
      }
      emit path $corner $check {*}$names $slack {*}$cells
      set first 0
    }
    emit path_profile $corner $check {*}$names $slack {*}$drivers
  }
}

# The drivers of a path from start to end, seven fields each: instance or port, cell, delay through it, delay of the wire
# behind it, transition, sinks, load. What is not asked for is empty.
proc ::n2::placed_drivers {end} {
  set points {}
  foreach point [get_property $end points] {
    lappend points [list [get_property $point pin] [get_property $point arrival]]
  }
  set fields {}
  set last [expr {[llength $points] - 1}]
  for {set at 0} {$at <= $last} {incr at} {
    lassign [lindex $points $at] pin arrival
    set inst [get_cells -quiet -of_objects $pin]
    set is_port [expr {$inst eq ""}]
    set drives [expr {[get_property $pin direction] in [expr {$is_port ? "input" : "output"}]}]
    if {!$drives || $at == $last} { continue }
    set through ""
    if {$at > 0 && !$is_port} { set through [difference $arrival [lindex $points $at-1 1]] }
    set wire [difference [lindex $points $at+1 1] $arrival]
    set net [get_nets -quiet -of_objects $pin]
    set sinks 0
    catch { set sinks [expr {[llength [get_pins -quiet -of_objects $net]] - !$is_port}] }
    if {$is_port} { lappend fields [get_full_name $pin] "" } else { lappend fields [get_full_name $inst] [get_property $inst ref_name] }
    lappend fields $through $wire "" $sinks ""
  }
  return $fields
}

proc ::n2::difference {later earlier} {
  if {![string is double -strict $later] || ![string is double -strict $earlier]} { return "" }
  exact [in_picoseconds [expr {$later - $earlier}]]
}

# Cells by kind. One that only fills or ties wells needs no model of its timing, and is no part of the area of the design.
proc ::n2::measure_placed_cells {} {
  array set count {}
  array set example {}
  array set physical {}
  set dbu [expr {double([[ord::get_db_block] getDbUnitsPerMicron])}]
  array set area {}
  foreach inst [[ord::get_db_block] getInsts] {
    set master [$inst getMaster]
    set cell [$master getName]
    if {![info exists count($cell)]} {
      set count($cell) 0
      set example($cell) [$inst getName]
      set area($cell) [expr {[$master getWidth] / $dbu * [$master getHeight] / $dbu}]
      set physical($cell) [is_physical_only [$master getType]]
    }
    incr count($cell)
  }
  set total 0.0
  foreach cell [lsort [array names count]] {
    set known [expr {$physical($cell) || [get_lib_cells -quiet */$cell] ne ""}]
    emit cell $cell $count($cell) $known $example($cell)
    if {!$physical($cell)} { set total [expr {$total + $count($cell) * $area($cell)}] }
  }
  foreach corner $::n2::corners { metric $corner area_um2 $total }
}

# By the class of its LEF macro.
proc ::n2::is_physical_only {class} {
  foreach pattern {*SPACER* *TAP* *ENDCAP* *ANTENNA* COVER*} {
    if {[string match $pattern $class]} { return 1 }
  }
  return 0
}

# What is left of a gain once wires are those of routes. Comes last: nothing else is measured with these.
proc ::n2::audit_gain {corners} {
  route
  step estimate { estimate_parasitics -global_routing }
  measure_again routed $corners
}
