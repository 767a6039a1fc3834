# What an ECO may ask of timing and loads while it edits, and the ways of trying edits by it.
#
# Owns: slacks, paths, loads and limits as the engine sees them now; the states that are compared
# before and after an edit; the loops that keep the edits that help and take the others back.
#
# Never edits by itself: that is the editing library's, which comes before this file.

# ---- timing ------------------------------------------------------------------------------------

# The engine gives slacks of a pin for all corners in one list: minimum and maximum delay of each
# corner, corners in the order of their names. That order is nowhere documented, so it is checked.
proc ::n2::find_corner_positions {sample} {
  variable corner_position; variable setup_corners; variable hold_corners
  set names [lsort -unique [concat $setup_corners $hold_corners]]
  if {[llength $sample] != 2 * [llength $names]} {
    error "the engine has [expr {[llength $sample] / 2}] corners, not [llength $names]: $names"
  }
  set position 0
  foreach name $names { set corner_position($name) [expr {2 * $position}]; incr position }
  foreach {delay corners offset} [list max $setup_corners 1 min $hold_corners 0] {
    foreach corner $corners {
      foreach end [find_path_ends_of $corner $delay 1 {}] {
        set vertex [::sta::PathEnd_vertex $end]
        set index [expr {$corner_position($corner) + $offset}]
        set rise [lindex [::sta::Vertex_slacks $vertex rise] $index]
        set fall [lindex [::sta::Vertex_slacks $vertex fall] $index]
        # A latch or several checks at one endpoint may make the pin's slack worse, never better.
        if {min($rise, $fall) > [::sta::PathEnd_slack $end] + 1e-13} {
          error "the engine orders the slacks of its corners in an unknown way"
        }
      }
    }
  }
}

proc ::n2::pin_slack {pin corners offset} {
  variable corner_position; variable unconstrained
  set worst $unconstrained
  foreach vertex [::sta::Pin_vertices $pin] {
    if {$vertex eq "NULL"} { continue }
    foreach edge {rise fall} {
      set slacks [::sta::Vertex_slacks $vertex $edge]
      if {![array exists corner_position]} { find_corner_positions $slacks }
      foreach corner $corners {
        set slack [lindex $slacks [expr {$corner_position($corner) + $offset}]]
        if {$slack < $worst} { set worst $slack }
      }
    }
  }
  return $worst
}

# Worst setup slack of all paths through a pin, over the setup corners; `unconstrained` where no
# check reaches it.
proc ::n2::setup_slack {pin} { variable setup_corners; pin_slack $pin $setup_corners 1 }

# Worst hold slack of all paths through a pin, over the hold corners.
proc ::n2::hold_slack {pin} { variable hold_corners; pin_slack $pin $hold_corners 0 }

proc ::n2::worst_of {question pins} {
  variable unconstrained
  set worst $unconstrained
  foreach pin $pins { set worst [expr {min($worst, [$question $pin])}] }
  return $worst
}

# The sum of negative slacks over pins.
proc ::n2::total_of {question pins} {
  set total 0.0
  foreach pin $pins { set total [expr {$total + min(0.0, [$question $pin])}] }
  return $total
}

# The pins through which every path goes that a change of an instance's cell, inputs or load can
# touch: what drives its inputs (their load changes), and its outputs.
proc ::n2::region_of {inst} { sorted_by_name pin_name [concat [fanin_drivers $inst] [output_pins $inst]] }

# The same for a net: through its driver, or the driver's instance where it has one.
proc ::n2::region_of_net {net} {
  set driver [driver_of $net]
  if {[::sta::Pin_is_top_level_port $driver]} { return [list $driver] }
  region_of [::sta::Pin_instance $driver]
}

# Path ends of one corner, worst first, one for each endpoint and path group.
proc ::n2::find_path_ends_of {corner delay count limits} {
  set option -group_count
  # Renamed in later versions of the engine.
  if {[string match *-group_path_count* [info body ::sta::find_timing_paths_cmd]]} { set option -group_path_count }
  ::sta::find_timing_paths -corner $corner -path_delay $delay $option $count {*}$limits
}

# The `count` worst paths over the corners of a check (`setup` or `hold`), at most one for each
# endpoint and corner, as a list of `slack endpoint {pin arrival pin arrival …}` from start to end.
# `slack_limit`, where given, leaves out paths with more slack (seconds).
# Pins stay valid when the design is edited; the engine's path objects do not, so none is returned.
proc ::n2::worst_paths {check count {slack_limit ""}} {
  variable setup_corners; variable hold_corners; variable time_unit
  if {$check eq "setup"} {
    set corners $setup_corners; set delay max
  } else {
    set corners $hold_corners; set delay min
  }
  set limits {}
  if {$slack_limit ne ""} { set limits [list -slack_max [expr {$slack_limit / $time_unit}]] }
  set keyed {}
  foreach corner [lsort -unique $corners] {
    # The next search frees the path objects of this one.
    foreach end [find_path_ends_of $corner $delay $count $limits] {
      set points {}
      foreach point [::sta::path_end_property $end points] {
        lappend points [::sta::PathRef_pin $point] [::sta::PathRef_arrival $point]
      }
      set endpoint [pin_name [::sta::Vertex_pin [::sta::PathEnd_vertex $end]]]
      lappend keyed [list [::sta::PathEnd_slack $end] $endpoint $points $corner]
    }
  }
  set paths {}
  foreach key [lrange [lsort -real -index 0 [lsort -index 1 [lsort -index 3 $keyed]]] 0 [expr {$count - 1}]] {
    lappend paths [lrange $key 0 2]
  }
  return $paths
}

# The instances that paths go through, as a list of `instance weight`, heaviest first, ties by name.
# The weight is the delay that the paths lose in it, in seconds.
proc ::n2::instances_on {paths} {
  array set weight {}
  foreach path $paths {
    set before ""
    foreach {pin arrival} [lindex $path 2] {
      if {![::sta::Pin_is_top_level_port $pin] && [::sta::Pin_is_driver $pin]} {
        set inst [::sta::Pin_instance $pin]
        set spent [expr {$before eq "" ? 0.0 : $arrival - $before}]
        set weight($inst) [expr {[info exists weight($inst)] ? $weight($inst) + $spent : $spent}]
      }
      set before $arrival
    }
  }
  set keyed {}
  foreach inst [array names weight] { lappend keyed [list $weight($inst) [instance_name $inst] $inst] }
  set ranked {}
  foreach key [lsort -real -decreasing -index 0 [lsort -index 1 $keyed]] {
    lappend ranked [lindex $key 2] [lindex $key 0]
  }
  return $ranked
}

# The nets that paths go through, in the order in which the worst path meets them first.
proc ::n2::nets_on {paths} {
  set nets {}
  array set seen {}
  foreach path $paths {
    foreach {pin arrival} [lindex $path 2] {
      set net [net_of $pin]
      if {$net eq "NULL"} { continue }
      if {![info exists seen($net)]} { set seen($net) 1; lappend nets $net }
    }
  }
  return $nets
}

# Pins in order of setup slack, least first, ties by name.
proc ::n2::by_slack {pins} {
  set keyed {}
  foreach pin $pins { lappend keyed [list [setup_slack $pin] [pin_name $pin] $pin] }
  set ordered {}
  foreach key [lsort -real -index 0 [lsort -index 1 $keyed]] { lappend ordered [lindex $key 2] }
  return $ordered
}

# ---- loads and limits --------------------------------------------------------------------------

proc ::n2::all_corners {} {
  variable setup_corners; variable hold_corners
  lsort -unique [concat $setup_corners $hold_corners]
}

# The largest capacitance that a driver pin sees over corners, wires included, in farads.
proc ::n2::load_of {pin} {
  set load 0.0
  set net [net_of $pin]
  if {$net eq "NULL"} { return $load }
  foreach name [all_corners] {
    set corner [::sta::find_corner $name]
    foreach edge {rise fall} { set load [expr {max($load, [::sta::Net_capacitance $net $edge $corner max])}] }
  }
  return $load
}

# The capacitance of some sink pins by the library, in farads; wires are not in it.
proc ::n2::pin_load {pins} {
  set load 0.0
  foreach pin $pins {
    if {[::sta::Pin_is_top_level_port $pin]} { continue }
    set load [expr {$load + [table capacitance [library_pin $pin] 0.0]}]
  }
  return $load
}

# The slowest transition at a pin, in seconds.
proc ::n2::slew_of {pin} {
  set slowest 0.0
  foreach vertex [::sta::Pin_vertices $pin] {
    if {$vertex eq "NULL"} { continue }
    foreach edge {rise fall} {
      foreach slew [::sta::Vertex_slews $vertex $edge] { set slowest [expr {max($slowest, $slew)}] }
    }
  }
  return $slowest
}

# By how much the load of a driver pin exceeds `share` of its limit, as a share of the limit; 0 where
# it does not or the library states none.
proc ::n2::load_excess {pin {share 1.0}} {
  if {[::sta::Pin_is_top_level_port $pin]} { return 0.0 }
  set limit [table max_capacitance [library_pin $pin] 0]
  if {$limit <= 0} { return 0.0 }
  return [expr {max(0.0, [load_of $pin] / $limit - $share)}]
}

# The largest excess of the transitions at a driver pin and its sinks over `share` of their limits,
# as a share of the limit.
proc ::n2::slew_excess {driver {share 1.0}} {
  set excess 0.0
  set net [net_of $driver]
  if {$net eq "NULL"} { return $excess }
  foreach pin [concat [list $driver] [sinks_of $net]] {
    if {[::sta::Pin_is_top_level_port $pin]} { continue }
    set limit [table max_transition [library_pin $pin] 0]
    if {$limit > 0} { set excess [expr {max($excess, [slew_of $pin] / $limit - $share)}] }
  }
  return $excess
}

# Both together.
proc ::n2::limit_excess {driver {share 1.0}} {
  return [expr {[load_excess $driver $share] + [slew_excess $driver $share]}]
}

# ---- trying edits ------------------------------------------------------------------------------

# A candidate is `region edit`: a command that gives the pins through which every path goes that the
# edit can touch, and a command that edits and returns whether it did.

# The state of a region: worst setup slack and sum of negative setup slacks over its pins.
proc ::n2::setup_state {region} { list [worst_of setup_slack $region] [total_of setup_slack $region] }

# Whether a region became faster by at least `least_gain`: its worst slack grew, or, with that not
# worse, the sum of its negative slacks did.
proc ::n2::is_faster {least_gain before after} {
  variable resolution
  set least_gain [expr {max($least_gain, $resolution)}]
  set gain [expr {[lindex $after 0] - [lindex $before 0]}]
  if {$gain >= $least_gain} { return 1 }
  if {$gain < -$resolution} { return 0 }
  return [expr {[lindex $after 1] - [lindex $before 1] >= $least_gain}]
}

# Tries candidates in order until `limit` edits are kept, and returns the positions of the kept ones.
# `state` tells the state of a region, `judge` whether the change from one state to another is to be
# kept; an empty `judge` keeps every edit unseen. With `again` a candidate that was kept is tried
# once more, until it is refused.
proc ::n2::try_each {candidates limit state judge {again 0}} {
  set kept {}
  array set before {}
  for {set position 0} {$position < [llength $candidates] && [llength $kept] < $limit} {incr position} {
    lassign [lindex $candidates $position] region edit
    if {$judge ne "" && ![info exists before($position)]} {
      # The engine re-times everything behind an edit, and again behind its undoing. While its
      # answers are those of the kept design, ask for some candidates ahead, so that the undoing
      # of one is timed together with the next.
      array unset before
      set next $position
      foreach ahead [lrange $candidates $position [expr {$position + 15}]] {
        set pins [{*}[lindex $ahead 0]]
        set before($next) [list $pins [{*}$state $pins]]
        incr next
      }
    }
    start_edits
    if {![{*}$edit]} { undo_edits; continue }
    if {$judge ne ""} {
      lassign $before($position) pins was
      if {![{*}$judge $was [{*}$state $pins]]} { undo_edits; continue }
    }
    keep_edits
    lappend kept $position
    array unset before
    if {$again} { incr position -1 }
  }
  return $kept
}

# Makes one edit on each object: `edit` with the object behind it, `region` likewise. Objects are
# tried together in groups of up to `size`, since most edits that give slack away do no harm; a
# refused group is tried in halves. Returns the objects whose edit was kept.
proc ::n2::try_in_groups {objects size limit region edit state judge} {
  set kept {}
  set waiting {}
  for {set first 0} {$first < [llength $objects]} {incr first $size} {
    lappend waiting [lrange $objects $first [expr {$first + $size - 1}]]
  }
  while {$waiting ne "" && [llength $kept] < $limit} {
    set group [lrange [lindex $waiting 0] 0 [expr {$limit - [llength $kept] - 1}]]
    set waiting [lrange $waiting 1 end]
    set pins {}
    foreach object $group { lappend pins {*}[{*}$region $object] }
    set pins [lsort -unique $pins]
    if {$judge ne ""} { set was [{*}$state $pins] }
    start_edits
    set edited {}
    foreach object $group { if {[{*}$edit $object]} { lappend edited $object } }
    if {$edited eq ""} { undo_edits; continue }
    if {$judge eq "" || [{*}$judge $was [{*}$state $pins]]} {
      keep_edits
      lappend kept {*}$edited
      continue
    }
    undo_edits
    if {[llength $edited] > 1} {
      set half [expr {[llength $edited] / 2}]
      set waiting [linsert $waiting 0 [lrange $edited 0 [expr {$half - 1}]] [lrange $edited $half end]]
    }
  }
  return $kept
}

# The state of a region for edits that give slack away: the setup and hold slacks of its pins, and the
# sum by which loads and transitions of drivers exceed their limits.
proc ::n2::limits_state {region} {
  set setup {}
  set hold {}
  set excess 0.0
  foreach pin $region {
    lappend setup [setup_slack $pin]
    lappend hold [hold_slack $pin]
    if {[::sta::Pin_is_driver $pin]} { set excess [expr {$excess + [limit_excess $pin]}] }
  }
  list $setup $hold $excess
}

# Whether every pin of a region still has `setup_margin` of setup slack and `hold_margin` of hold
# slack, or as much as before where it had less, and no limit is exceeded more than before.
proc ::n2::is_still_met {setup_margin hold_margin before after} {
  variable resolution
  lassign $before setup_before hold_before excess_before
  lassign $after setup_after hold_after excess_after
  if {$excess_after > $excess_before + 1e-9} { return 0 }
  foreach was $setup_before now $setup_after {
    if {$now < min($was, $setup_margin) - $resolution} { return 0 }
  }
  foreach was $hold_before now $hold_after {
    if {$now < min($was, $hold_margin) - $resolution} { return 0 }
  }
  return 1
}
