//! Codes `N2-PLATFORM-…`: platforms: what their files say, and what their libraries have.

use crate::codes;

codes! {
    "N2-PLATFORM-001", "there is no platform of that name" {
        meaning: "The name is none of the built-in ones, and no path.";
        causes: [
            "a misspelt name",
        ];
        advice: "`noodle2 platform list` lists those there are; a path has a `/` or ends in `.yaml`.";
        example: "`platform: nangate54`";
    }
    "N2-PLATFORM-002", "a platform file cannot be read" {
        meaning: "The file that the study or the command names could not be read.";
        causes: [
            "a misspelt path",
            "missing permission",
        ];
        advice: "Paths are relative to the folder of the study.";
        example: "`platform: ./pdk/mine.yaml` where it is not";
    }
    "N2-PLATFORM-003", "a platform file is wrong" {
        meaning: "The file is not what a platform file has to be.";
        causes: [
            "a misspelt key",
            "a corner without libraries",
            "a `default_corner` that is none",
        ];
        advice: "The message says what; `noodle2 platform add` drafts a right one.";
        example: "`dont_uze: []`";
    }
    "N2-PLATFORM-004", "nobody said where the libraries lie" {
        meaning: "The platform's libraries are not part of noodle2, and nothing tells their folder.";
        causes: [
            "a variable that is not set",
        ];
        advice: "Set `design.platform_root` in the study, `--platform-root`, or the variable `NOODLE2_PDK_<NAME>`.";
        example: "`platform: nangate45` without `NOODLE2_PDK_NANGATE45`";
    }
    "N2-PLATFORM-005", "the platform has no such corner" {
        meaning: "A corner that the study names is not declared.";
        causes: [
            "a misspelt corner",
        ];
        advice: "The message lists those there are.";
        example: "`liberty: [platform:slow]` with `typical` alone";
    }
    "N2-PLATFORM-006", "a library of the platform is not there" {
        meaning: "The folder is known, but a file that the platform names is not in it.";
        causes: [
            "another version of the kit",
            "a wrong folder",
        ];
        advice: "Look into the folder; the message tells how to install it where that is known.";
        example: "`NOODLE2_PDK_ASAP7` set to an empty folder";
    }
    "N2-PLATFORM-007", "the platform says nothing of layout" {
        meaning: "Placing and routing needs LEF files, a site and layers, and the platform has no `layout`.";
        causes: [
            "a platform made for timing alone",
        ];
        advice: "Add `layout` to the file; `noodle2 platform add` drafts it from a folder with LEF files.";
        example: "`noodle2 snapshot create` with `osu018`";
    }
    "N2-PLATFORM-008", "libraries of the platform do not agree in their unit of time" {
        meaning: "Constraints are read in one unit alone, so some of them would be taken for a thousand times more or \
             less.";
        causes: [
            "libraries of two kits in one platform file",
        ];
        advice: "List libraries of one unit; the message tells which has which.";
        example: "one corner in ns and one in ps";
    }
    "N2-PLATFORM-009", "a cell is defined differently in two libraries of a corner" {
        meaning: "The first of the two counts, so that the order of the list decides how the cell is timed.";
        causes: [
            "two variants of one library in a corner",
        ];
        advice: "List one of the libraries.";
        example: "a corner with the fast and the slow library";
    }
    "N2-PLATFORM-010", "corners have different cells" {
        meaning: "A cell of one corner is missing from another; a design with it cannot be timed there. A remark.";
        causes: [
            "a library that is missing in a corner",
        ];
        advice: "Add it, or do not use these cells.";
        example: "a corner without the low-threshold library";
    }
    "N2-PLATFORM-011", "a pattern fits no cell" {
        meaning: "A pattern or suffix in the platform file names nothing. A remark.";
        causes: [
            "a misspelt pattern",
            "a pattern of another kit",
        ];
        advice: "Correct or remove it.";
        example: "`dont_use: [TIEHI*]` where ties are called `LOGIC1_X1`";
    }
    "N2-PLATFORM-012", "a buffer or inverter is none" {
        meaning: "A cell that is declared as buffer or inverter is not there, or does something else.";
        causes: [
            "a misspelt name",
            "a cell that inverts among the buffers",
        ];
        advice: "Correct the list.";
        example: "`buffers: [INV_X1]`";
    }
    "N2-PLATFORM-013", "a tie cell is none" {
        meaning: "The pin that is declared as constant is not there, or not constant of that value.";
        causes: [
            "high and low exchanged",
            "a misspelt pin",
        ];
        advice: "Correct `tie_cells`, in the form `CELL/PIN`.";
        example: "`high: LOGIC0_X1/Z`";
    }
    "N2-PLATFORM-014", "a number of the layout cannot be meant" {
        meaning: "A range runs downwards, a share is not from 0 to 1, or a distance is not above 0.";
        causes: [
            "a percentage where a share is wanted",
        ];
        advice: "Correct the number; the message says what is allowed.";
        example: "`layer_adjustments: {metal2: 80}`";
    }
    "N2-PLATFORM-015", "a range of layers runs down the stack" {
        meaning: "The first layer of a range lies above its last.";
        causes: [
            "the two exchanged",
        ];
        advice: "Name the lower first.";
        example: "`signal: [metal10, metal2]`";
    }
    "N2-PLATFORM-016", "a pin layer runs the other way" {
        meaning: "Horizontal pins stand on a layer whose wires run horizontally, and this one's do not.";
        causes: [
            "horizontal and vertical exchanged",
        ];
        advice: "Exchange them; the LEF file states each layer's direction.";
        example: "`horizontal: metal2` where `metal2` is vertical";
    }
    "N2-PLATFORM-017", "the site is not that of the cells" {
        meaning: "The site is not one of the core, or cells stand on another.";
        causes: [
            "the site of another row height",
        ];
        advice: "Name the site that the cells' LEF states.";
        example: "`site: unithd` with cells of `unithddbl`";
    }
    "N2-PLATFORM-018", "cells without a LEF macro" {
        meaning: "The libraries have cells that cannot be placed. A remark: designs without them are fine.";
        causes: [
            "a missing LEF file",
        ];
        advice: "Add the LEF file, or put the cells under `dont_use`.";
        example: "a library of level shifters without its LEF";
    }
    "N2-PLATFORM-019", "LEF macros without a cell" {
        meaning: "The LEF files have gates that cannot be timed. A remark.";
        causes: [
            "a missing library",
        ];
        advice: "Add the library, or leave the macros unused.";
        example: "a LEF of three thresholds with the library of one";
    }
    "N2-PLATFORM-020", "a folder to draft from cannot be read" {
        meaning: "`platform add` looks through a folder, and could not read it or a file in it.";
        causes: [
            "a misspelt path",
            "missing permission",
        ];
        advice: "Name a folder that may be read.";
        example: "`noodle2 platform add /no/such/kit --name mine`";
    }
    "N2-PLATFORM-021", "a folder to draft from holds too much" {
        meaning: "It has more files than one platform has.";
        causes: [
            "a folder of many kits",
        ];
        advice: "Name the folder of one platform.";
        example: "the folder that holds every kit of the site";
    }
    "N2-PLATFORM-022", "a folder to draft from holds no library" {
        meaning: "There is no Liberty file in it that can be read.";
        causes: [
            "a folder of LEF files alone",
            "libraries deeper than is looked",
        ];
        advice: "Name the folder that holds the libraries.";
        example: "the `lef` folder of a kit";
    }
    "N2-PLATFORM-023", "this cannot be the name of a new platform" {
        meaning: "A name has letters, digits, `_` and `-`, and is none of the built-in ones.";
        causes: [
            "a name with a space or a slash",
            "`nangate45`",
        ];
        advice: "Choose another.";
        example: "`noodle2 platform add kit --name nangate45`";
    }
    "N2-PLATFORM-024", "the platform file cannot be written" {
        meaning: "The file is there already, or its folder may not be written. A file that is there is never \
             replaced.";
        causes: [
            "`platform add` was run twice",
        ];
        advice: "Name another with `--out`, or move it away.";
        example: "a second draft over one that was edited by hand";
    }
}
