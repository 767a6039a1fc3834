# Times in nanoseconds and capacitances in picofarads, the units of Sky130HD.

create_clock -name clk -period 6.0 [get_ports clk]

set inputs {load_partials load_product a* b*}

set_input_delay -max 0.6 -clock clk [get_ports $inputs]
set_input_delay -min 0.2 -clock clk [get_ports $inputs]
set_output_delay -max 0.6 -clock clk [get_ports product*]
set_output_delay -min 0 -clock clk [get_ports product*]

set_driving_cell -lib_cell sky130_fd_sc_hd__buf_2 -pin X [get_ports $inputs]
set_load 0.02 [get_ports product*]

set_max_transition 0.75 [current_design]
