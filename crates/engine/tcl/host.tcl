# A process that loads once what many trials share, and is forked for each of them.
#
# Owns: the protocol with the keeper of hosts (frames over two pipes, see `exec::hosts`), and what a fork takes
# over: the procedures, the design, what was emitted, and what was printed.
#
# A fork cannot do timing with threads that it does not have: they end before the fork, and the fork makes its own.
# Debian's version otherwise waits for ever in its search for paths.
#
# Never asks for power, total negative slack or worst slack: after an edit the engine's answers to them are wrong in a process
# that was asked before.

# The engine ignores `exit` in a script: a process ends by coming to the end of all that it was told, which is what
# every procedure here returns to.

namespace eval ::n2 {
  variable requests ""
  variable replies ""
  # What this process and those before it printed while they loaded.
  variable transcript ""
}

proc ::n2::reply {args} {
  variable replies
  set body [encoding convertto utf-8 [join $args \0]]
  puts -nonewline $replies [binary format Iu [string length $body]]$body
  flush $replies
}

# The next request as a list of fields; {} at the end of all.
proc ::n2::next_request {} {
  variable requests
  set head [read $requests 4]
  if {[string length $head] < 4} { return {} }
  binary scan $head Iu length
  set body [read $requests $length]
  if {[string length $body] < $length} { return {} }
  split [encoding convertfrom utf-8 $body] \0
}

proc ::n2::open_channels {requests_path replies_path} {
  variable requests; variable replies
  set requests [open $requests_path r]
  set replies [open $replies_path w]
  foreach channel [list $requests $replies] { fconfigure $channel -translation binary -blocking 1 }
  fconfigure $replies -buffering full
}

proc ::n2::close_channels {} {
  variable requests; variable replies
  foreach channel [list $requests $replies] { catch { close $channel } }
}

proc ::n2::print_into {path} {
  flush stdout
  set channel [open $path w]
  dup $channel stdout
  dup $channel stderr
  close $channel
  fconfigure stdout -buffering line
}

# Loads what `script` says, then waits to be forked. Runs in the folder of the host, which is left empty but for
# what it prints.
proc ::n2::host {script} {
  variable transcript
  set log [file join [pwd] loaded.log]
  print_into $log
  if {[catch {uplevel #0 $script} message]} { reply failed "$::n2::current_step: $message"; return }
  flush stdout
  set channel [open $log r]
  append transcript [read $channel]
  close $channel
  ::sta::set_thread_count 0
  reply ready [pid]
  serve
}

proc ::n2::serve {} {
  while {1} {
    set request [next_request]
    if {$request eq {}} { return }
    flush stdout
    set between [fork]
    if {$between == 0} {
      # The fork's parent ends, so that the keeper adopts the fork.
      if {[fork] == 0} { begin {*}$request; return }
      kill KILL [pid]
    }
    wait $between
    reply reaped
  }
}

# What a fork is from its first instant: a process group of its own, with its own output and threads.
proc ::n2::begin {kind script folder output requests_path replies_path} {
  if {[catch {
    id process group set
    print_into $output
    set channel [open $script r]
    fconfigure $channel -encoding utf-8
    set text [read $channel]
    close $channel
    cd $folder
    set ::env(HOME) $folder
    if {$kind eq "host"} {
      reply forked [pid]
      close_channels
      open_channels $requests_path $replies_path
    }
  } message]} {
    reply failed $message
    return
  }
  if {$kind ne "host"} {
    reply forked [pid]
    close_channels
  }
  ::sta::set_thread_count 1
  if {[catch {uplevel #0 $text}]} { puts $::errorInfo }
  flush stdout
}

# ---- editing apart -----------------------------------------------------------------------------

# Applies an ECO and writes the design in a fork of this process, which itself stays as it was: what its
# engine answers is not spoilt by edits that were tried and taken back.
proc ::n2::edit_apart {eco output} {
  variable result_channel; variable result_records; variable current_step; variable notes
  flush stdout
  flush $result_channel
  lassign [chan pipe] source sink
  ::sta::set_thread_count 0
  set child [fork]
  ::sta::set_thread_count 1
  if {$child == 0} {
    close $source
    set failed [catch {
      apply_eco $eco
      write_design $output
    } message]
    flush $result_channel
    flush stdout
    puts $sink [list $result_records [array get notes] $current_step $failed $message $::errorInfo]
    flush $sink
    kill KILL [pid]
  }
  close $sink
  set told [read $source]
  close $source
  set ending [wait $child]
  if {![string match "*\n" $told]} {
    # It ended in the midst of its work, and so does this process.
    flush stdout
    if {[lindex $ending 1] eq "SIG"} { kill [lindex $ending 2] [pid] }
    error "the editing ended with [lrange $ending 1 end]"
  }
  lassign $told result_records kept current_step failed message trace
  array set notes $kept
  if {$failed} { error $message $trace }
}

# Makes this process hold the design that was written: by replacing the cells that differ, where nothing
# else does; else by reading it. `constraints`, `clocks` and `wireload` are those of the reading.
#
# With its tolerance below zero the engine computes every delay behind a change anew, and with all arrivals
# invalid every arrival: what it then answers is what it answers of the design read from nothing, to the last digit. Left to
# itself it stops where changes are small, and is off by a millionth.
proc ::n2::take_over {netlist top constraints clocks wireload replaceable} {
  if {$replaceable && [replace_as_in $netlist]} { return }
  read_back $netlist $top $constraints $clocks $wireload
}

proc ::n2::replace_as_in {netlist} {
  if {[info commands ::sta::set_delay_calc_incremental_tolerance] eq "" || [info commands ::sta::arrivals_invalid] eq ""} {
    return 0
  }
  write_verilog held.v
  set swaps [swaps_between [text_of held.v] [text_of $netlist]]
  set same 0
  if {[lindex $swaps 0]} {
    ::sta::set_delay_calc_incremental_tolerance -1
    foreach {name cell} [lindex $swaps 1] {
      set inst [::sta::find_instance $name]
      if {$inst eq "NULL"} { break }
      replace $inst $cell
    }
    ::sta::arrivals_invalid
    write_verilog held.v
    # Whatever the lines seemed to say: this process holds what was written, or the design is read.
    set same [expr {[text_of held.v] eq [text_of $netlist]}]
  }
  file delete held.v
  return $same
}

proc ::n2::text_of {path} {
  set channel [open $path r]
  fconfigure $channel -encoding utf-8
  set text [read $channel]
  close $channel
  return $text
}

# The instances whose cells alone differ between two texts of one flat design, as `{1 {name cell …}}`; `{0 {}}`
# where anything else differs.
proc ::n2::swaps_between {held written} {
  set before [split $held \n]
  set after [split $written \n]
  if {[llength $before] != [llength $after]} { return {0 {}} }
  set swaps {}
  set modules 0
  foreach old $before new $after {
    if {[string match "module *" $old]} { incr modules }
    if {$old eq $new} { continue }
    if {![regexp {^ ([A-Za-z0-9_]+) (\\?)(\S+) (\(.*)$} $old -> cell escaped name rest]} { return {0 {}} }
    if {![regexp {^ ([A-Za-z0-9_]+) (\\?)(\S+) (\(.*)$} $new -> other other_escaped other_name other_rest]} { return {0 {}} }
    if {$name ne $other_name || $escaped ne $other_escaped || $rest ne $other_rest} { return {0 {}} }
    lappend swaps $name $other
  }
  if {$modules != 1} { return {0 {}} }
  list 1 $swaps
}
