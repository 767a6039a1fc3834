proc repair_setup {} {
  variable parameter
  set words [list -setup]
  if {$parameter(setup_margin_ps) != 0} {
    lappend words {*}[option_of repair_timing -setup_margin [in_tool_time $parameter(setup_margin_ps)]]
  }
  if {$parameter(repair_tns_percent) < 100} {
    lappend words {*}[option_of repair_timing -repair_tns $parameter(repair_tns_percent)]
  }
  foreach {may option} {
    pin_swaps -skip_pin_swap cloning -skip_gate_cloning buffering -skip_buffering
    buffer_removal -skip_buffer_removal last_gasp -skip_last_gasp
  } {
    if {!$parameter($may)} { lappend words {*}[option_of repair_timing $option] }
  }
  if {$parameter(max_utilization_percent) < 100} {
    lappend words {*}[option_of repair_timing -max_utilization $parameter(max_utilization_percent)]
  }
  set before [count_instances]
  repair_timing {*}$words
  note instances_more [expr {[count_instances] - $before}]
}
repair_setup
