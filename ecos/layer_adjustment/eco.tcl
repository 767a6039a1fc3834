proc adjust_layers {} {
  variable parameter
  set tech [ord::get_db_tech]
  set last [expr {min($parameter(last_level), [$tech getRoutingLayerCount])}]
  set adjusted 0
  for {set level $parameter(first_level)} {$level <= $last} {incr level} {
    set_global_routing_layer_adjustment [[$tech findRoutingLayer $level] getName] $parameter(share)
    incr adjusted
  }
  note layers_adjusted $adjusted
}
adjust_layers
