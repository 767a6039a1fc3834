proc buffer_some_ports {} {
  variable parameter
  set before [count_instances]
  buffer_ports {*}[dict get {both {} inputs -inputs outputs -outputs} $parameter(ports)]
  note instances_more [expr {[count_instances] - $before}]
}
buffer_some_ports
