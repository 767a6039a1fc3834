# The buffers that may go: for speed those on the worst setup paths, heaviest delay first, else those with the most slack.
proc buffers_to_remove {} {
  variable parameter
  set found {}
  if {$parameter(goal) eq "speed"} {
    foreach {name cell} [instances_on_worst max 500] {
      if {![is_buffer $cell] || ![may_edit $name $cell]} { continue }
      lappend found $name
    }
    return [lrange $found 0 [expr {$parameter(max_tried) - 1}]]
  }
  set keyed {}
  foreach {name cell} [cells_by_name] {
    if {![is_buffer $cell] || ![may_edit $name $cell]} { continue }
    set slack [worst_slack_at [outputs_of $name] max]
    if {$slack ne "" && $slack >= $parameter(margin_ps)} { lappend keyed [list $slack $name] }
  }
  foreach key [lsort -real -decreasing -index 0 [lsort -index 1 $keyed]] { lappend found [lindex $key 1] }
  lrange $found 0 [expr {$parameter(max_tried) - 1}]
}

proc remove_some_buffers {} {
  variable parameter
  set names {}
  set tried [buffers_to_remove]
  foreach name $tried {
    if {[llength $names] >= $parameter(max_cells)} { break }
    set hold [worst_slack_at [outputs_of $name] min]
    if {$hold eq "" || $hold >= $parameter(hold_margin_ps)} { lappend names $name }
  }
  note buffers_tried [llength $tried]
  set before [count_instances]
  # Told of none, it takes them all.
  if {$names ne {}} { ::remove_buffers {*}$names }
  note buffers_removed [expr {$before - [count_instances]}]
}
remove_some_buffers
