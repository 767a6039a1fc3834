# Times in picoseconds and capacitances in femtofarads, the units of ASAP7.

create_clock -name clk -period 720 [get_ports clk]

set inputs {load_partials load_product a* b*}

set_input_delay -max 100 -clock clk [get_ports $inputs]
set_input_delay -min 25 -clock clk [get_ports $inputs]
set_output_delay -max 100 -clock clk [get_ports product*]
set_output_delay -min 0 -clock clk [get_ports product*]

set_driving_cell -lib_cell BUFx2_ASAP7_75t_R -pin Y [get_ports $inputs]
set_load 2.0 [get_ports product*]

set_max_transition 80 [current_design]
