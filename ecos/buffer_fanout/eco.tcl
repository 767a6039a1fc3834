# Splits one net: all sinks but the most critical ones go behind buffers, in groups of like slack.
# Returns whether it did.
proc split_net {net} {
  variable parameter
  set others [lrange [by_slack [movable_sinks_of $net]] $parameter(keep_critical) end]
  set neighbour [cell_of [::sta::Pin_instance [driver_of $net]]]
  set made 0
  for {set first 0} {$first < [llength $others]} {incr first $parameter(group_size)} {
    set group [lrange $others $first [expr {$first + $parameter(group_size) - 1}]]
    # A buffer for a single sink only adds to the load of the driver.
    if {[llength $group] < 2} { continue }
    set buffer [choose_buffer $parameter(buffer) [pin_load $group] $neighbour]
    if {$buffer ne "" && [insert_buffer $net $group $buffer] ne ""} { incr made }
  }
  return [expr {$made > 0}]
}

# Splits a net, and again while it is still wide: a very wide one has many buffers to drive.
proc split_wide_net {net} {
  variable parameter
  if {[llength [movable_sinks_of $net]] < $parameter(min_fanout)} { return 0 }
  split_net $net
}

proc buffer_fanout {} {
  variable parameter
  set drivers {}
  foreach pin [all_drivers] {
    set net [net_of $pin]
    if {[llength [::sta::net_load_pins $net]] >= $parameter(min_fanout) && [may_rewire $net]} { lappend drivers $pin }
  }
  set candidates {}
  foreach pin [by_slack $drivers] {
    if {[setup_slack $pin] > $parameter(max_slack_ps) * 1e-12} { break }
    set net [net_of $pin]
    lappend candidates [list [list region_of_net $net] [list split_wide_net $net]]
  }
  set judge {}
  if {$parameter(verify)} { set judge [list is_faster [expr {$parameter(min_gain_ps) * 1e-12}]] }
  note nets_tried [llength $candidates]
  note splits_made [llength [try_each $candidates $parameter(max_nets) setup_state $judge 1]]
}
buffer_fanout
