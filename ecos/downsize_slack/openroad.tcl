proc downsize_slack {} {
  variable parameter
  set keyed {}
  foreach {name cell} [cells_by_name] {
    if {!$parameter(registers) && [is_sequential $cell]} { continue }
    set weaker [sized $cell [expr {-$parameter(steps)}]]
    if {$weaker eq "" || ![may_edit $name $cell]} { continue }
    set slack [worst_slack_at [outputs_of $name] max]
    if {$slack ne "" && $slack <= $parameter(margin_ps)} { continue }
    set saving [expr {[table area $cell 0.0] - [table area $weaker 0.0]}]
    if {$saving >= 0} { lappend keyed [list $saving $name $weaker] }
  }
  set wanted {}
  foreach key [lsort -real -decreasing -index 0 [lsort -index 1 $keyed]] { lappend wanted [lindex $key 1] [lindex $key 2] }
  note cells_tried [expr {[llength $wanted] / 2}]
  note cells_resized [exchange_each $wanted $parameter(max_cells) [list is_still_met $parameter(margin_ps)]]
}
downsize_slack
