# Doubles the driver of a net; the copy takes the sinks with the most slack. Returns whether it did.
proc double_driver {net} {
  variable parameter
  set sinks [by_slack [movable_sinks_of $net]]
  set moved [expr {max(1, int(floor([llength $sinks] * $parameter(share))))}]
  return [expr {[clone $net [lrange $sinks end-[expr {$moved - 1}] end]] ne ""}]
}

proc clone_driver {} {
  variable parameter
  set candidates {}
  foreach net [nets_on [worst_paths setup $parameter(paths)]] {
    if {[llength [movable_sinks_of $net]] < $parameter(min_fanout) || ![may_rewire $net]} { continue }
    set driver [driver_of $net]
    if {[::sta::Pin_is_top_level_port $driver] || [is_sequential [cell_of [::sta::Pin_instance $driver]]]} { continue }
    lappend candidates [list [list region_of_net $net] [list double_driver $net]]
  }
  set judge {}
  if {$parameter(verify)} { set judge [list is_faster [expr {$parameter(min_gain_ps) * 1e-12}]] }
  note gates_tried [llength $candidates]
  note gates_doubled [llength [try_each $candidates $parameter(max_nets) setup_state $judge]]
}
clone_driver
