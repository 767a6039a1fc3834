proc downsize {inst} {
  variable parameter
  resize $inst [stronger [cell_of $inst] [expr {-$parameter(steps)}]]
}

proc downsize_slack {} {
  variable parameter
  set margin [expr {$parameter(margin_ps) * 1e-12}]
  set keyed {}
  foreach inst [leaf_instances] {
    set cell [cell_of $inst]
    if {!$parameter(registers) && [is_sequential $cell]} { continue }
    set weaker [stronger $cell [expr {-$parameter(steps)}]]
    if {$weaker eq "" || ![may_edit $inst]} { continue }
    if {[worst_of setup_slack [output_pins $inst]] <= $margin} { continue }
    set saving [expr {[table area $cell 0.0] - [table area $weaker 0.0]}]
    if {$saving >= 0} { lappend keyed [list $saving [instance_name $inst] $inst] }
  }
  set candidates {}
  foreach key [lsort -real -decreasing -index 0 [lsort -index 1 $keyed]] { lappend candidates [lindex $key 2] }
  set judge [list is_still_met $margin 0.0]
  set kept [try_in_groups $candidates 16 $parameter(max_cells) region_of downsize limits_state $judge]
  note cells_tried [llength $candidates]
  note cells_resized [llength $kept]
}
downsize_slack
