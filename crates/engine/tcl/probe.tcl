# Tells what this engine is and what it can do. What is asked is whether it works, never which
# version it is.

# Whether power and slew limits of a corner come from the corner's own libraries. Debian's version
# takes them from the libraries that were read first. Two libraries that differ in nothing else tell.
proc noodle2_corners_are_whole {} {
  foreach {corner leakage limit} {a 1 2.0 b 3 0.5} {
    set channel [open $corner.lib w]
    puts $channel "library ($corner) {
      time_unit : \"1ns\"; voltage_unit : \"1V\"; current_unit : \"1mA\"; leakage_power_unit : \"1nW\";
      pulling_resistance_unit : \"1kohm\"; capacitive_load_unit (1, pf);
      input_threshold_pct_rise : 50; output_threshold_pct_rise : 50; slew_lower_threshold_pct_rise : 20; slew_upper_threshold_pct_rise : 80;
      input_threshold_pct_fall : 50; output_threshold_pct_fall : 50; slew_lower_threshold_pct_fall : 20; slew_upper_threshold_pct_fall : 80;
      nom_process : 1; nom_temperature : 25; nom_voltage : 1;
      cell (sink) { area : 1; cell_leakage_power : $leakage;
        pin (a) { direction : input; capacitance : 0.01; max_transition : $limit; } } }"
    close $channel
  }
  set channel [open probe.v w]
  puts $channel "module probe (i); input i; sink s (.a(i)); endmodule"
  close $channel
  define_corners a b
  foreach corner {a b} { read_liberty -corner $corner $corner.lib }
  read_verilog probe.v
  link_design probe
  create_clock -name c -period 10
  set_input_delay 0 -clock c [get_ports i]
  set_input_transition 1 [get_ports i]
  foreach corner {a b} {
    set object [::sta::find_corner $corner]
    set leakage($corner) [lindex [::sta::design_power $object] 2]
    set slow($corner) [llength [::sta::pin_slew_limit_violations $object max]]
  }
  expr {abs($leakage(b) / $leakage(a) - 3) < 0.01 && $slow(a) == 0 && $slow(b) == 1}
}

# Whether a fork of this process, whose threads ended before and are made anew in the fork, searches paths to an end.
proc noodle2_fork_works {} {
  set corners [expr {[info commands ::sta::define_corners] ne "" ? [list a b] : [list ""]}]
  foreach corner $corners {
    set channel [open fork$corner.lib w]
    puts $channel "library (fork$corner) {
      delay_model : table_lookup;
      time_unit : \"1ns\"; voltage_unit : \"1V\"; current_unit : \"1mA\"; capacitive_load_unit (1, pf);
      input_threshold_pct_rise : 50; output_threshold_pct_rise : 50; slew_lower_threshold_pct_rise : 20; slew_upper_threshold_pct_rise : 80;
      input_threshold_pct_fall : 50; output_threshold_pct_fall : 50; slew_lower_threshold_pct_fall : 20; slew_upper_threshold_pct_fall : 80;
      nom_process : 1; nom_temperature : 25; nom_voltage : 1;
      cell (pass) { area : 1;
        pin (a) { direction : input; capacitance : 0.01; }
        pin (y) { direction : output; function : \"a\";
          timing () { related_pin : \"a\"; timing_sense : positive_unate;
            cell_rise (scalar) { values (\"1\"); } cell_fall (scalar) { values (\"1\"); }
            rise_transition (scalar) { values (\"1\"); } fall_transition (scalar) { values (\"1\"); } } } } }"
    close $channel
    # The corners are those that the probe of corners made.
    read_liberty {*}[expr {$corner eq "" ? [list] : [list -corner $corner]}] fork$corner.lib
  }
  set channel [open fork.v w]
  puts $channel "module forked (i, o); input i; output o; wire w; pass a (.a(i), .y(w)); pass b (.a(w), .y(o)); endmodule"
  close $channel
  read_verilog fork.v
  link_design forked
  create_clock -name c -period 10
  set_input_delay 0 -clock c [get_ports i]
  set_output_delay 0 -clock c [get_ports o]
  find_timing
  ::sta::set_thread_count 0
  set child [fork]
  if {$child == 0} {
    catch {
      ::sta::set_thread_count 1
      set paths [llength [find_timing_paths -path_delay max -group_count 10]]
      set channel [open forked w]
      puts $channel $paths
      close $channel
    }
    kill KILL [pid]
  }
  for {set waited 0} {$waited < 100} {incr waited} {
    if {[wait -nohang $child] ne ""} { break }
    after 100
  }
  # One that waits for ever ends here.
  catch { kill KILL $child }
  set channel [open forked r]
  set paths [read $channel]
  close $channel
  expr {[string trim $paths] > 0}
}

proc noodle2_probe {} {
  set version [::sta::version]
  set corners [expr {[info commands ::sta::define_corners] ne ""}]
  set whole 0
  catch { set whole [noodle2_corners_are_whole] }
  set json 0
  catch { set json [string match *json* [info body ::sta::parse_report_path_options]] }
  # Loading prints remarks about files that it does not find; they mean nothing.
  catch { load libtclx8.4.so Tclx }
  catch { load libtclx8.4.so.0 Tclx }
  catch { package require Tclx }
  set tclx [expr {[info commands fork] ne ""}]
  set forks 0
  if {$tclx} { catch { set forks [noodle2_fork_works] } }
  set channel [open probe.tsv w]
  puts $channel [join [list $version $corners $whole $json $tclx $forks end] \t]
  close $channel
}
noodle2_probe
