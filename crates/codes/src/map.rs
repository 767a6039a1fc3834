//! Codes `N2-MAP-…`: heat maps and pictures.

use crate::codes;

codes! {
    "N2-MAP-001", "a file for a map cannot be read" {
        meaning: "A map, DEF, LEF or report that was named is not there or may not be read.";
        causes: [
            "a misspelt path",
        ];
        advice: "Name a file that is there.";
        example: "`noodle2 heatmap routing.cvs`";
    }
    "N2-MAP-002", "this is no heat map" {
        meaning: "The file is not what `gui::dump_heatmap` writes, nor a table that `--bin` describes.";
        causes: [
            "another CSV file",
            "a missing `--bin`",
        ];
        advice: "Name a dumped map, or tell `--bin` for a table of columns and rows.";
        example: "`noodle2 heatmap trials.csv`";
    }
    "N2-MAP-003", "a LEF file cannot be understood" {
        meaning: "A LEF file is damaged, or files of two technologies were named together.";
        causes: [
            "a file that was cut off",
            "LEF files of two platforms",
        ];
        advice: "Name the LEF files of one technology and its cells, as the placer read them.";
        example: "`--lef nangate.lef --lef sky130.lef`";
    }
    "N2-MAP-004", "a DEF file cannot be understood" {
        meaning: "The DEF file is damaged or not whole.";
        causes: [
            "a file that was cut off",
            "not a DEF file",
        ];
        advice: "Name a whole file, as `write_def` writes it.";
        example: "half a `placed.def`";
    }
    "N2-MAP-005", "no map can be made of a design" {
        meaning: "What the map is to show cannot be computed from these files.";
        causes: [
            "a design that is not placed",
            "a cell without a LEF file",
            "an unknown layer",
        ];
        advice: "Name every LEF file of the design, and a DEF file after placement.";
        example: "`--map density` of a DEF from before placement";
    }
    "N2-MAP-006", "two maps cannot be compared" {
        meaning: "They show different things, have different units, or do not lie on one area.";
        causes: [
            "maps of two kinds",
            "maps of two designs",
        ];
        advice: "Compare maps of one kind and unit; tell `--kind` where names of files do not.";
        example: "`--compare placement.csv routing.csv`";
    }
    "N2-MAP-007", "this is no report of congestion" {
        meaning: "The file is not what `global_route -congestion_report_file` writes, or its areas cannot be laid \
             on a map.";
        causes: [
            "another report",
        ];
        advice: "Name that file.";
        example: "`--congestion drc.rpt` with violations of another check";
    }
    "N2-MAP-008", "a picture cannot be written" {
        meaning: "The name ends in neither `.svg` nor `.png`, or the file cannot be written.";
        causes: [
            "a missing ending",
            "a folder that is not there",
        ];
        advice: "End the name with `.svg` or `.png`, in a folder that may be written.";
        example: "`--out map.jpg`";
    }
    "N2-MAP-009", "no font for a picture" {
        meaning: "A PNG needs a font for its words, and none of those it knows is installed.";
        causes: [
            "a machine without fonts",
        ];
        advice: "Install DejaVu (Debian: `apt-get install fonts-dejavu-core`), or ask for `.svg`.";
        example: "`--out map.png` in a bare container";
    }
    "N2-MAP-010", "maps cannot share one scale" {
        meaning: "Several maps in one picture share a scale of colours, and these show different things.";
        causes: [
            "maps of two kinds in one picture",
        ];
        advice: "Draw maps of one kind together; tell `--kind` where names of files do not.";
        example: "one picture of density and of congestion";
    }
    "N2-MAP-011", "a pin of a path has no place" {
        meaning: "A path to be drawn goes through a pin that the placed design does not have.";
        causes: [
            "a path of another design",
            "a misspelt pin",
        ];
        advice: "Name pins as a timing tool does: `instance/pin`, or a pin of the design.";
        example: "`--path u1/A,u9999/Y`";
    }
}
