# STAND-IN for openroad, for tests alone: the commands that ECOs call. Each prints what it was told, and refuses an option
# that it has not as the tool does. Few change anything: what OpenROAD would find is not known here.
#
# Options are those of v2.0-20250301; `-sequence`, `-skip_vt_swap` and `-skip_crit_vt_swap` are of later versions.

foreach {command text} {
  buffer_ports {[-inputs] [-outputs] [-max_utilization util] [-buffer_cell buf_cell]}
  detailed_placement {[-max_displacement disp] [-disallow_one_site_gaps] [-report_file_name file_name]}
  global_placement {[-skip_initial_place] [-timing_driven] [-routability_driven] [-density target_density]
    [-pad_left sites] [-pad_right sites]}
  optimize_mirroring {}
  remove_buffers {instances}
  repair_clock_nets {[-max_wire_length max_wire_length]}
  repair_design {[-max_wire_length l] [-max_utilization u] [-slew_margin m] [-cap_margin m] [-match_cell_footprint] [-verbose]}
  repair_tie_fanout {lib_port [-separation dist] [-max_fanout fanout] [-verbose]}
  repair_timing {[-setup] [-hold] [-recover_power p] [-setup_margin m] [-hold_margin m] [-allow_setup_violations] [-sequence moves]
    [-skip_pin_swap] [-skip_gate_cloning] [-skip_buffering] [-skip_buffer_removal] [-skip_last_gasp] [-skip_vt_swap]
    [-skip_crit_vt_swap] [-repair_tns p] [-max_passes p] [-max_buffer_percent p] [-max_utilization u] [-verbose]}
  set_global_routing_layer_adjustment {layer adj}
  set_placement_padding {-global [-left sites] [-right sites]}
} { stand_in::options $command $text }

proc stand_in::told {command words} {
  foreach word $words {
    if {![string match {-[a-z]*} $word]} { continue }
    if {"$word" ni [regexp -all -inline -- {-[a-z][a-z_]*} $::sta::cmd_args($command)]} {
      fail STA-0562 "$command $word is not a known keyword or flag."
    }
  }
  puts "STAND-IN was told: [string trimright "$command $words"]"
}

# Those that change nothing, or go on with what the stand-in does of them.
foreach command {
  buffer_ports detailed_placement optimize_mirroring repair_clock_nets repair_design repair_tie_fanout repair_timing
  set_global_routing_layer_adjustment set_placement_padding
} {
  if {[info procs $command] ne ""} { rename $command stand_in::own_$command } else { proc stand_in::own_$command {args} {} }
  proc $command {args} [string map [list NAME $command] {
    stand_in::told NAME $args
    stand_in::own_NAME {*}$args
  }]
}

# What has no place gets one. Where all have, everything that is not fixed goes one row up, the topmost to the lowest.
rename global_placement stand_in::own_global_placement
proc global_placement {args} {
  stand_in::told global_placement $args
  foreach name [stand_in::insts] {
    if {![info exists stand_in::places($name)]} { return [stand_in::own_global_placement {*}$args] }
  }
  set ys {}
  foreach row $stand_in::rows { lappend ys [lindex $row 3] }
  foreach name [stand_in::insts] {
    lassign $stand_in::places($name) x y orient status
    if {$status eq "FIXED"} { continue }
    set next [expr {([lsearch $ys $y] + 1) % [llength $ys]}]
    set stand_in::places($name) [list $x [lindex $ys $next] $orient $status]
  }
}

# Told of none, the tool takes out all, which the stand-in does not.
proc remove_buffers {args} {
  stand_in::told remove_buffers $args
  foreach name $args {
    foreach {pin net} [stand_in::connections $name] { set net_at($pin) $net }
    foreach pin [get_pins -of_objects [get_nets $net_at(Y)]] {
      set end [get_full_name $pin]
      if {$end eq "$name/Y"} { continue }
      disconnect_pin $net_at(Y) $end
      connect_pin $net_at(A) $end
    }
    disconnect_pin $net_at(A) $name/A
    disconnect_pin $net_at(Y) $name/Y
    delete_instance $name
    delete_net $net_at(Y)
  }
}

# Slacks of pins have other names in the sta that runs this.
rename get_property stand_in::own_get_property
proc get_property {object property} {
  if {![regexp {^slack_(max|min)$} $property all delay]} { return [stand_in::own_get_property $object $property] }
  set slacks {}
  foreach edge {rise fall} { lappend slacks [stand_in::own_get_property $object ${delay}_${edge}_slack] }
  tcl::mathfunc::min {*}$slacks
}

# Routing levels, of a technology that no LEF told of.
rename stand_in_tech stand_in::own_tech
proc stand_in_tech {method args} {
  switch $method {
    getRoutingLayerCount { return 6 }
    findRoutingLayer { return [stand_in::object level metal[lindex $args 0]] }
  }
  stand_in::own_tech $method {*}$args
}
proc stand_in::level {name method} { return $name }
