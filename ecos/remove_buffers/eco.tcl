# Every path that a buffer's removal touches goes through what drives the buffer, or through what
# drives that gate, whose transition is seen further on. The sinks on both sides are watched too, so
# that none is traded for another.
proc watched {inst} {
  set cell [cell_of $inst]
  set before [net_of [pin_of $inst [table buffer_input $cell]]]
  set after [net_of [pin_of $inst [table buffer_output $cell]]]
  concat [region_of_net $before] [sinks_of $before] [sinks_of $after]
}

# Whether setup got better over all watched pins together, with hold and limits kept.
proc is_worth_it {hold_margin before after} {
  variable unconstrained
  set states {}
  foreach state [list $before $after] {
    set worst $unconstrained
    set total 0.0
    foreach slack [lindex $state 0] {
      set worst [expr {min($worst, $slack)}]
      set total [expr {$total + min(0.0, $slack)}]
    }
    lappend states [list $worst $total]
  }
  if {![is_faster 0.0 {*}$states]} { return 0 }
  is_still_met 0.0 $hold_margin [lreplace $before 0 0 {}] [lreplace $after 0 0 {}]
}

# The buffers to look at: for speed those on the worst setup paths, else those with the most slack.
proc buffers_to_try {} {
  variable parameter
  set found {}
  if {$parameter(goal) eq "speed"} {
    foreach {inst weight} [instances_on [worst_paths setup 500]] {
      if {[may_remove_buffer $inst]} { lappend found $inst }
    }
  } else {
    set outputs {}
    foreach inst [leaf_instances] { if {[may_remove_buffer $inst]} { lappend outputs [lindex [output_pins $inst] 0] } }
    foreach pin [lreverse [by_slack $outputs]] { lappend found [::sta::Pin_instance $pin] }
  }
  lrange $found 0 [expr {$parameter(max_tried) - 1}]
}

proc remove_buffers {} {
  variable parameter
  set hold_margin [expr {$parameter(hold_margin_ps) * 1e-12}]
  set judge [list is_still_met [expr {$parameter(margin_ps) * 1e-12}] $hold_margin]
  if {$parameter(goal) eq "speed"} { set judge [list is_worth_it $hold_margin] }
  set candidates {}
  foreach inst [buffers_to_try] { lappend candidates [list [list watched $inst] [list remove_buffer $inst]] }
  note buffers_tried [llength $candidates]
  note buffers_removed [llength [try_each $candidates $parameter(max_cells) limits_state $judge]]
  delete_removed
}
remove_buffers
