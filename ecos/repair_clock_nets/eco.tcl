proc repair_clocks {} {
  variable parameter
  set words {}
  if {$parameter(max_wire_length_um) > 0} {
    lappend words {*}[option_of repair_clock_nets -max_wire_length $parameter(max_wire_length_um)]
  }
  set before [count_instances]
  ::repair_clock_nets {*}$words
  note instances_more [expr {[count_instances] - $before}]
}
repair_clocks
