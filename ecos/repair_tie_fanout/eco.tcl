proc repair_ties {} {
  variable parameter
  variable tie_ports
  if {$tie_ports eq {}} { error "the platform names no tie cells: state `tie_cells` in its file" }
  set words {}
  if {$parameter(separation_um) > 0} { lappend words -separation $parameter(separation_um) }
  set before [count_instances]
  foreach port $tie_ports { ::repair_tie_fanout {*}$words $port }
  note instances_more [expr {[count_instances] - $before}]
}
repair_ties
