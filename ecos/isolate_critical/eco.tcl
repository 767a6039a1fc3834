# Puts the sinks of a net that have slack to spare behind a buffer; returns whether it did.
proc isolate {net} {
  variable parameter
  set slacks {}
  set worst [setup_slack [driver_of $net]]
  set spare {}
  foreach pin [movable_sinks_of $net] {
    if {[setup_slack $pin] > $worst + $parameter(spare_ps) * 1e-12} { lappend spare $pin }
  }
  # A buffer for a single sink adds more load than it takes away, unless that sink is heavy.
  if {$spare eq "" || [llength $spare] == [llength [sinks_of $net]]} { return 0 }
  set buffer [choose_buffer $parameter(buffer) [pin_load $spare] [cell_of [::sta::Pin_instance [driver_of $net]]]]
  if {$buffer eq "" || [pin_load $spare] <= [table capacitance $buffer/[table buffer_input $buffer] 0.0]} { return 0 }
  return [expr {[insert_buffer $net $spare $buffer] ne ""}]
}

proc isolate_critical {} {
  variable parameter
  set candidates {}
  foreach net [nets_on [worst_paths setup $parameter(paths)]] {
    if {[llength [movable_sinks_of $net]] < $parameter(min_fanout) || ![may_rewire $net]} { continue }
    lappend candidates [list [list region_of_net $net] [list isolate $net]]
  }
  set judge {}
  if {$parameter(verify)} { set judge [list is_faster [expr {$parameter(min_gain_ps) * 1e-12}]] }
  note nets_tried [llength $candidates]
  note nets_changed [llength [try_each $candidates $parameter(max_nets) setup_state $judge]]
}
isolate_critical
