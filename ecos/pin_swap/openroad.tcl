proc swap_pins_only {} {
  # Other moves that a version makes beside those of the sequence.
  set words [known_options repair_timing {-skip_vt_swap {} -skip_crit_vt_swap {}}]
  repair_timing -setup -sequence swap -skip_last_gasp {*}$words
}
swap_pins_only
