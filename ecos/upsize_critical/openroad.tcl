# The cells worth trying along the worst paths: instance, what it would become, and the slack through it. One that was
# tried comes again only when that has changed since.
proc upsize_candidates {} {
  variable parameter
  variable tried_at
  set wanted {}
  foreach {name cell} [instances_on_worst max $parameter(paths)] {
    set stronger [sized $cell $parameter(steps)]
    if {$stronger eq "" || (!$parameter(registers) && [is_sequential $cell]) || ![may_edit $name $cell]} { continue }
    set slack [worst_slack_at [outputs_of $name] max]
    if {[info exists tried_at($name)] && $tried_at($name) eq $slack} { continue }
    lappend wanted $name $stronger $slack
  }
  return $wanted
}

# One portion; returns how many resizes stand.
proc upsize_portion {most judge} {
  variable tried_at
  set kept 0
  foreach {name stronger slack} [upsize_candidates] {
    if {$kept >= $most} { break }
    set tried_at($name) $slack
    incr kept [exchange $name $stronger $judge]
  }
  return $kept
}

proc upsize_critical {} {
  variable parameter
  variable tried_at
  array unset tried_at
  array set tried_at {}
  set judge {}
  if {$parameter(verify)} { set judge [list is_faster $parameter(min_gain_ps)] }
  set portion [expr {int(ceil(double($parameter(max_cells)) / $parameter(portions)))}]
  set resized 0
  while {$resized < $parameter(max_cells)} {
    set kept [upsize_portion [expr {min($portion, $parameter(max_cells) - $resized)}] $judge]
    if {$kept == 0} { break }
    incr resized $kept
    # Without a judge no wires are estimated on the way, and the next portion would be chosen by slacks that are gone.
    if {$judge eq ""} { estimate_whole }
  }
  note cells_tried [array size tried_at]
  note resizes_made $resized
}
upsize_critical
