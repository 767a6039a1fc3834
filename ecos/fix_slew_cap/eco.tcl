# By how much a driver breaks the limits, as shares of them.
proc violation {driver} {
  variable parameter
  expr {[load_excess $driver $parameter(capacitance_share)] + [slew_excess $driver $parameter(slew_share)]}
}

proc violations {drivers} {
  set sum 0.0
  foreach driver $drivers { set sum [expr {$sum + [violation $driver]}] }
  return $sum
}

# Gives the driver's cell the weakest stronger drive that ends the violation, or the strongest that
# lessens it, counted with what the larger input does to the gates before.
proc strengthen {driver} {
  if {[::sta::Pin_is_top_level_port $driver]} { return 0 }
  set inst [::sta::Pin_instance $driver]
  set region [region_of $inst]
  set best ""
  set least [violations $region]
  set family [usable_family [cell_of $inst]]
  foreach cell [lrange $family [expr {[lsearch -exact $family [cell_of $inst]] + 1}] end] {
    start_edits
    if {[resize $inst $cell]} {
      set now [violations $region]
      if {$now < $least - 1e-9} { set least $now; set best $cell }
      set ended [expr {[violation $driver] <= 0}]
    } else {
      set ended 0
    }
    undo_edits
    if {$ended} { break }
  }
  if {$best eq ""} { return 0 }
  resize $inst $best
}

# The sinks of a net in order of the slack that they had before the first edit: to ask again after
# each would time the whole design anew.
proc sinks_by_first_slack {net} {
  variable first_slack
  set keyed {}
  foreach pin [movable_sinks_of $net] { lappend keyed [list [table first_slack $pin 0.0] [pin_name $pin] $pin] }
  set ordered {}
  foreach key [lsort -real -index 0 [lsort -index 1 $keyed]] { lappend ordered [lindex $key 2] }
  return $ordered
}

# Puts the half of the load with the most setup slack behind a buffer.
proc split_load {driver} {
  set net [net_of $driver]
  set sinks [sinks_by_first_slack $net]
  if {[llength $sinks] < 2} { return 0 }
  set half [expr {[pin_load $sinks] / 2}]
  set moved {}
  foreach pin [lreverse $sinks] {
    if {$moved ne "" && [pin_load $moved] + [pin_load [list $pin]] > $half} { break }
    lappend moved $pin
  }
  if {[llength $moved] == [llength $sinks]} { set moved [lrange $moved 0 end-1] }
  set before [violations [region_of_net $net]]
  start_edits
  set buffer [insert_buffer $net $moved [choose_buffer auto [pin_load $moved] [cell_of [::sta::Pin_instance $driver]]]]
  if {$buffer eq ""} { return [settle_edits 0] }
  set after [violations [lsort -unique [concat [region_of_net $net] [output_pins $buffer]]]]
  settle_edits [expr {$after < $before - 1e-9}]
}

proc fix_slew_cap {} {
  variable parameter
  variable first_slack
  set keyed {}
  foreach driver [all_drivers] {
    if {[is_clock_net [net_of $driver]]} { continue }
    set violation [violation $driver]
    if {$violation > 0} { lappend keyed [list $violation [pin_name $driver] $driver] }
  }
  set worst_first [lsort -real -decreasing -index 0 [lsort -index 1 $keyed]]
  foreach key $worst_first {
    foreach pin [sinks_of [net_of [lindex $key 2]]] { set first_slack($pin) [setup_slack $pin] }
  }
  set resized 0
  set buffered 0
  set left 0
  foreach key [lrange $worst_first 0 [expr {$parameter(max_drivers) - 1}]] {
    set driver [lindex $key 2]
    if {$parameter(method) ne "buffer"} { incr resized [strengthen $driver] }
    if {$parameter(method) ne "resize"} {
      # Each buffer takes half of what is left; a load never needs more halvings than this.
      for {set round 0} {$round < 16 && [violation $driver] > 0 && [split_load $driver]} {incr round} { incr buffered }
    }
    if {[violation $driver] > 0} { incr left }
  }
  note drivers_found [llength $keyed]
  note drivers_left $left
  note drivers_resized $resized
  note buffers_inserted $buffered
}
fix_slew_cap
