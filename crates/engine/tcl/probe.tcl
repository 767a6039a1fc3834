# Tells what this engine is and what it can do. What is asked is whether a command is there, never
# which version it is.
proc noodle2_probe {} {
  set version [::sta::version]
  set corners [expr {[info commands ::sta::define_corners] ne ""}]
  set slew [expr {[info commands ::sta::pin_slew_limit_violations] ne "" || [info commands ::sta::max_slew_violation_count] ne ""}]
  set json 0
  catch { set json [string match *json* [info body ::sta::parse_report_path_options]] }
  # Loading prints remarks about files that it does not find; they mean nothing.
  catch { load libtclx8.4.so Tclx }
  catch { load libtclx8.4.so.0 Tclx }
  catch { package require Tclx }
  set tclx [expr {[info commands fork] ne ""}]
  set channel [open probe.tsv w]
  puts $channel [join [list $version $corners $slew $json $tclx end] \t]
  close $channel
}
noodle2_probe
