# From a netlist to a placed design, with the steps that an engineer would take by hand.

proc ::n2::read_netlist {files top} {
  step netlist { foreach file $files { read_verilog $file } }
  step link { link_design $top }
}

proc ::n2::make_rows {site utilisation aspect space} {
  step floorplan { initialize_floorplan -site $site -utilization $utilisation -aspect_ratio $aspect -core_space $space }
}

# Without a file, each layer has its tracks at its own pitch and offset.
proc ::n2::make_all_tracks {file} {
  step tracks { if {$file ne ""} { uplevel #0 [list source $file] } else { make_tracks } }
}

proc ::n2::without_buffers {} { step remove_buffers { remove_buffers } }

proc ::n2::place_taps {distance cell endcap} {
  step taps {
    set words [list -distance $distance -tapcell_master $cell]
    if {$endcap ne ""} { lappend words -endcap_master $endcap }
    tapcell {*}$words
  }
}

# Pins stand anywhere at first, and are placed where their nets lead once cells have places.
proc ::n2::place {density horizontal vertical global_padding detailed_padding} {
  step pins { place_pins -random -hor_layers $horizontal -ver_layers $vertical }
  step global_placement { global_placement -density $density -pad_left $global_padding -pad_right $global_padding }
  step pins { place_pins -hor_layers $horizontal -ver_layers $vertical }
  legalise $detailed_padding
}
