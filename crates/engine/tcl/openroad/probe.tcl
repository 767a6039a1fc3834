# Tells what this OpenROAD can do: which commands it has, which options they take, and which of its surroundings are there.
# What is asked is whether something is there, never which version it is.

proc noodle2_tell {channel args} {
  set fields {}
  foreach field $args { lappend fields [string map [list \\ \\\\ \t { } \n { }] $field] }
  puts $channel [join $fields \t]
}

# The words that begin with a dash in what a command is said to take, and in how its arguments are read.
proc noodle2_options {command} {
  set text ""
  if {[info exists ::sta::cmd_args($command)]} { append text $::sta::cmd_args($command) }
  foreach name [list ::$command ::sta::$command] {
    if {[info procs $name] ne ""} { append text " " [info body $name] }
  }
  lsort -unique [regexp -all -inline -- {-[a-z][a-z_]*} $text]
}

# Whether a fork of this process, which has one thread, goes on and ends.
proc noodle2_forks {} {
  set child [fork]
  if {$child == 0} {
    catch { set channel [open forked w]; puts $channel whole; close $channel }
    kill KILL [pid]
  }
  for {set waited 0} {$waited < 100} {incr waited} {
    if {[wait -nohang $child] ne ""} { break }
    after 50
  }
  catch { kill KILL $child }
  set channel [open forked r]
  set text [read $channel]
  close $channel
  string equal [string trim $text] whole
}

proc noodle2_probe {} {
  set channel [open probe.tsv w]
  fconfigure $channel -encoding utf-8 -translation lf
  set commands {}
  foreach name [info commands ::*] { lappend commands [string trimleft $name :] }
  if {[info exists ::sta::cmd_args]} { lappend commands {*}[array names ::sta::cmd_args] }
  foreach name {
    ord::get_db_block ord::openroad_version gui::dump_heatmap gui::show rsz::estimate_parasitic_net est::estimate_parasitic_net
    rsz::design_area sta::worst_slack_cmd sta::total_negative_slack_cmd sta::equiv_cells sta::time_sta_ui
  } {
    if {[info commands ::$name] ne ""} { lappend commands $name }
  }
  foreach command [lsort -unique $commands] { noodle2_tell $channel command $command {*}[noodle2_options $command] }
  catch { load libtclx8.4.so Tclx }
  catch { load libtclx8.4.so.0 Tclx }
  catch { package require Tclx }
  set tclx [expr {[info commands fork] ne ""}]
  noodle2_tell $channel ability tclx $tclx
  set forks 0
  if {$tclx && [llength [glob -nocomplain /proc/[pid]/task/*]] == 1} { catch { set forks [noodle2_forks] } }
  noodle2_tell $channel ability forks $forks
  noodle2_tell $channel end
  close $channel
}
noodle2_probe
