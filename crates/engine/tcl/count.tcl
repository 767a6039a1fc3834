# What is counted over all cells and nets of a design: which cells it has, and which loads are beyond the limits of
# their libraries.
#
# Owns: the counts that a process keeps before it is forked, so that a fork in which cells were exchanged counts only
# what these touch. A process that keeps none counts all, to the same result.

namespace eval ::n2 {
  # Liberty limits by corner, `CELL/PIN`: set from the libraries of that corner.
  variable capacitance_limit
  array set capacitance_limit {}
  variable fanout_limit
  array set fanout_limit {}
  variable fanout_of_input
  array set fanout_of_input {}

  # By cell: its instances, and one of them; "" where that one got another cell.
  variable instances_of
  array set instances_of {}
  variable example_of
  array set example_of {}
  # By corner: how many drivers have a limit of capacitance, how many are beyond it, and both of fanout.
  variable load_counts
  array set load_counts {}
  # The same by `CORNER NET`, and the nets that an exchange touched since.
  variable counts_of_net
  array set counts_of_net {}
  variable touched_nets
  array set touched_nets {}
  # By `CORNER PORT`: its limits of capacitance and fanout, {} for none.
  variable limits_of
  array set limits_of {}
}

# Counts, net by net, before this process is forked; finds the clock pins, which every ECO asks for.
proc ::n2::keep_counts {} {
  variable load_counts; variable counts_of_net
  find_clock_pins
  count_cells
  foreach corner $::n2::corners {
    set counts {0 0 0 0}
    foreach net [driven_nets] {
      set counts_of_net($corner\ $net) [loads_of $corner $net]
      set counts [sum_of $counts $counts_of_net($corner\ $net)]
    }
    set load_counts($corner) $counts
  }
}

proc ::n2::forget_counts {} {
  foreach name {instances_of example_of load_counts counts_of_net touched_nets clock_pin} {
    variable $name
    unset -nocomplain $name
  }
}

# To be called before and after an instance gets another cell.
proc ::n2::uncount_instance {inst} {
  variable instances_of; variable example_of; variable touched_nets
  if {![array size instances_of]} { return }
  set cell [::sta::Instance_cell $inst]
  incr instances_of($cell) -1
  if {$example_of($cell) eq $inst} { set example_of($cell) "" }
  foreach pin [pins_of $inst] {
    set net [net_of $pin]
    if {$net ne "NULL"} { set touched_nets($net) 1 }
  }
}

proc ::n2::count_instance {inst} {
  variable instances_of; variable example_of
  if {![array size instances_of]} { return }
  set cell [::sta::Instance_cell $inst]
  incr instances_of($cell)
  set example_of($cell) $inst
}

proc ::n2::count_cells {} {
  variable instances_of; variable example_of
  foreach inst [::sta::network_leaf_instances] {
    set cell [::sta::Instance_cell $inst]
    if {[incr instances_of($cell)] == 1} { set example_of($cell) $inst }
  }
}

# Leaf cells by library cell, with an example of those that no library defines.
proc ::n2::measure_cells {} {
  variable instances_of; variable example_of
  if {![array size instances_of]} { count_cells }
  foreach cell [array names instances_of] {
    if {$instances_of($cell) == 0} { continue }
    # What was exchanged was a cell of a library.
    set inst $example_of($cell)
    set known [expr {$inst eq "" || [::sta::Instance_liberty_cell $inst] ne "NULL"}]
    emit cell [::sta::cell_property $cell name] $instances_of($cell) $known [expr {$known ? "" : [get_full_name $inst]}]
  }
}

# Loads of driver pins against the limits of their libraries.
proc ::n2::measure_loads {corner} {
  variable load_counts; variable counts_of_net; variable touched_nets
  if {[info exists load_counts($corner)]} {
    set counts $load_counts($corner)
    foreach net [array names touched_nets] {
      if {![info exists counts_of_net($corner\ $net)]} { continue }
      set counts [sum_of $counts [loads_of $corner $net]]
      set counts [sum_of $counts $counts_of_net($corner\ $net) -1]
    }
  } else {
    set counts {0 0 0 0}
    foreach net [driven_nets] { set counts [sum_of $counts [loads_of $corner $net]] }
  }
  foreach {kind limited beyond} [list capacitance {*}[lrange $counts 0 1] fanout {*}[lrange $counts 2 3]] {
    if {$limited > 0} { metric $corner max_${kind}_violations $beyond }
  }
}

proc ::n2::sum_of {counts others {sign 1}} {
  lassign $counts a b c d
  lassign $others e f g h
  list [expr {$a + $sign * $e}] [expr {$b + $sign * $f}] [expr {$c + $sign * $g}] [expr {$d + $sign * $h}]
}

# The nets that something drives, each once.
proc ::n2::driven_nets {} {
  set nets {}
  foreach net [::sta::find_nets_hier_matching * 0 0] {
    # A net of several modules is met once in each.
    set driver [lindex [::sta::net_driver_pins $net] 0]
    if {$driver eq {} || [info exists seen($driver)]} { continue }
    set seen($driver) 1
    lappend nets $net
  }
  return $nets
}

# The drivers of a net that have a limit of capacitance, those beyond it, and both of fanout.
proc ::n2::loads_of {corner net} {
  variable limits_of
  set limited 0; set beyond 0; set fanout_limited 0; set fanout_beyond 0
  foreach driver [::sta::net_driver_pins $net] {
    set port [::sta::Pin_liberty_port $driver]
    if {$port eq "NULL"} { continue }
    if {![info exists limits_of($corner\ $port)]} { set limits_of($corner\ $port) [find_limits $corner $driver] }
    lassign $limits_of($corner\ $port) most_capacitance most_fanout
    if {$most_capacitance ne {}} {
      incr limited
      # Single precision on both sides: a load at its limit is no violation.
      set most [expr {$most_capacitance * (1 + 1e-6)}]
      set object [::sta::find_corner $corner]
      if {[::sta::Net_capacitance $net rise $object max] > $most || [::sta::Net_capacitance $net fall $object max] > $most} {
        incr beyond
      }
    }
    if {$most_fanout ne {}} {
      incr fanout_limited
      if {[fanout_of $net $corner] > $most_fanout * (1 + 1e-6)} { incr fanout_beyond }
    }
  }
  list $limited $beyond $fanout_limited $fanout_beyond
}

proc ::n2::find_limits {corner driver} {
  variable capacitance_limit; variable fanout_limit
  set key "$corner/[::sta::instance_property [::sta::Pin_instance $driver] ref_name]/[::sta::Pin_port_name $driver]"
  set limits {{} {}}
  if {[info exists capacitance_limit($key)]} { lset limits 0 $capacitance_limit($key) }
  if {[info exists fanout_limit($key)]} { lset limits 1 $fanout_limit($key) }
  return $limits
}

# The fanout of a net as Liberty counts it: the sum of its sinks' fanout loads, a port counting 1.
proc ::n2::fanout_of {net corner} {
  variable fanout_of_input
  set fanout 0.0
  foreach pin [::sta::net_load_pins $net] {
    set load 1.0
    if {![::sta::Pin_is_top_level_port $pin]} {
      set key "$corner/[::sta::instance_property [::sta::Pin_instance $pin] ref_name]/[::sta::Pin_port_name $pin]"
      if {[info exists fanout_of_input($key)]} { set load $fanout_of_input($key) }
    }
    set fanout [expr {$fanout + $load}]
  }
  return $fanout
}
