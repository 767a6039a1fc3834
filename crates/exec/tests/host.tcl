# A host as the protocol has it, without an engine: what a script loads is kept in `loaded`, and a fork runs its
# script with it. `reply`, `host` and `serve` are what scripts of tests may call.

package require Tclx

proc reply {args} {
  set body [join $args \0]
  puts -nonewline $::replies [binary format Iu [string length $body]]$body
  flush $::replies
}

proc next_request {} {
  set head [read $::requests 4]
  if {[string length $head] < 4} { exit 0 }
  binary scan $head Iu length
  split [read $::requests $length] \0
}

proc open_channels {requests replies} {
  set ::requests [open $requests r]
  set ::replies [open $replies w]
  foreach channel [list $::requests $::replies] { fconfigure $channel -translation binary }
}

proc host {} {
  reply ready [pid]
  while {1} {
    set request [next_request]
    set between [fork]
    if {$between == 0} {
      if {[fork] == 0} { begin {*}$request }
      kill KILL [pid]
    }
    wait $between
    reply reaped
  }
}

proc begin {kind script folder output requests replies} {
  id process group set
  set channel [open $output w]
  dup $channel stdout
  dup $channel stderr
  close $channel
  fconfigure stdout -buffering line
  cd $folder
  reply forked [pid]
  close $::requests
  close $::replies
  if {$kind eq "host"} { open_channels $requests $replies }
  uplevel #0 [list source $script]
  exit 0
}

open_channels $::env(NOODLE2_REQUESTS) $::env(NOODLE2_REPLIES)
