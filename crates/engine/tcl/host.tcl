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
  # What the editing apart told of its exchanges, as `exchanges_made` does.
  variable exchanges {0 {}}
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

# Threads are not forked: they end before a fork, and are made anew in it. A tool that has one thread has none to end.
proc ::n2::end_threads {} { if {![info exists ::n2::has_one_thread]} { ::sta::set_thread_count 0 } }
proc ::n2::begin_threads {} { if {![info exists ::n2::has_one_thread]} { ::sta::set_thread_count 1 } }

# Compiles all procedures, which a fork would otherwise do by itself for each that it calls: 6 ms of the 45 that a trial of
# 250 cells took.
proc ::n2::compile_procedures {} {
  foreach namespace {::n2 ::sta} {
    foreach name [info procs ${namespace}::*] { catch { ::tcl::unsupported::disassemble proc $name } }
  }
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
  end_threads
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
  begin_threads
  if {[catch {uplevel #0 $text}]} { puts $::errorInfo }
  flush stdout
}

# ---- editing apart -----------------------------------------------------------------------------

# Applies an ECO and writes the design in a fork of this process, which itself stays as it was: what its
# engine answers is not spoilt by edits that were tried and taken back.
proc ::n2::edit_apart {eco output} {
  variable result_channel; variable result_records; variable current_step; variable notes; variable exchanges
  flush stdout
  flush $result_channel
  lassign [chan pipe] source sink
  end_threads
  set child [fork]
  begin_threads
  if {$child == 0} {
    close $source
    set failed [catch {
      apply_eco $eco
      write_design $output
    } message]
    flush $result_channel
    flush stdout
    puts $sink [list $result_records [array get notes] $current_step $failed $message $::errorInfo [exchanges_made]]
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
  lassign $told result_records kept current_step failed message trace exchanges
  array set notes $kept
  if {$failed} { error $message $trace }
}

# Makes this process hold the design that was written: by exchanging the cells that were exchanged apart, where
# that is all that was done; else by reading it. `constraints`, `clocks` and `wireload` are those of the reading.
#
# With its tolerance below zero the engine computes every delay behind a change anew, and with all arrivals
# invalid every arrival: what it then answers is what it answers of the design read from nothing, to the last digit. Left to
# itself it stops where changes are small, and is off by a millionth.
proc ::n2::take_over {netlist top constraints clocks wireload replaceable} {
  if {$replaceable && [exchange_as_in $netlist]} { return }
  forget_counts
  read_back $netlist $top $constraints $clocks $wireload
}

# Makes the exchanges of the editing; returns whether this process then holds what was written.
proc ::n2::exchange_as_in {netlist} {
  variable exchanges
  if {[info commands ::sta::set_delay_calc_incremental_tolerance] eq "" || [info commands ::sta::arrivals_invalid] eq ""} {
    return 0
  }
  lassign $exchanges complete made
  set written [bytes_of $netlist]
  # In a design of several modules reading may meet nets in another order.
  if {!$complete || [string first "\nmodule " $written [string first "module " $written]] >= 0} { return 0 }
  ::sta::set_delay_calc_incremental_tolerance -1
  foreach {name cell} $made {
    set inst [::sta::find_instance $name]
    if {$inst eq "NULL"} { return 0 }
    uncount_instance $inst
    replace $inst $cell
    count_instance $inst
  }
  ::sta::arrivals_invalid
  # An ECO that edits in ways of its own is not in the list of exchanges.
  write_verilog held.v
  set same [expr {[bytes_of held.v] eq $written}]
  file delete held.v
  return $same
}

proc ::n2::bytes_of {path} {
  set channel [open $path r]
  fconfigure $channel -translation binary
  set bytes [read $channel]
  close $channel
  return $bytes
}
