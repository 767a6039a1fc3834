# One step up for one cell; returns whether it was made. Remembers at which slack it was tried.
proc upsize {inst slack} {
  variable parameter
  variable tried_at
  set tried_at($inst) $slack
  set cell [stronger [cell_of $inst] $parameter(steps)]
  if {$cell eq ""} { return 0 }
  resize $inst $cell
}

# The cells worth trying along the worst paths. One that was tried before comes again only when the
# slack around it has changed since.
proc upsize_candidates {} {
  variable parameter
  variable tried_at
  set candidates {}
  foreach {inst weight} [instances_on [worst_paths setup $parameter(paths)]] {
    set cell [stronger [cell_of $inst] $parameter(steps)]
    if {$cell eq "" || (!$parameter(registers) && [is_sequential $cell]) || ![may_edit $inst]} { continue }
    set slack [worst_of setup_slack [region_of $inst]]
    if {[info exists tried_at($inst)] && abs($tried_at($inst) - $slack) < 1e-12} { continue }
    lappend candidates [list [list region_of $inst] [list upsize $inst $slack]]
  }
  return $candidates
}

proc upsize_critical {} {
  variable parameter
  variable tried_at
  array set tried_at {}
  set judge {}
  if {$parameter(verify)} { set judge [list is_faster [expr {$parameter(min_gain_ps) * 1e-12}]] }
  set portion [expr {int(ceil(double($parameter(max_cells)) / $parameter(portions)))}]
  set resized 0
  while {$resized < $parameter(max_cells)} {
    set limit [expr {min($portion, $parameter(max_cells) - $resized)}]
    set kept [llength [try_each [upsize_candidates] $limit setup_state $judge $parameter(verify)]]
    if {$kept == 0} { break }
    incr resized $kept
  }
  note cells_tried [array size tried_at]
  note resizes_made $resized
}
upsize_critical
