# From RTL and the libraries of a kit to build/netlist.v, for the Makefile of an example on a platform, which sets:
#   platform   its name
#   libraries  its libraries, those with gates first, as they are named in the kit; compressed or not
#   avoid      which cells synthesis leaves alone: a regular expression of their names

.DELETE_ON_ERROR:

kit     := NOODLE2_PDK_$(shell echo $(platform) | tr a-z A-Z)
PDK     ?= $($(kit))
sources := ../branching/rtl/split_multiplier.v

build/netlist.v: synthesise.ys drive.constr $(sources) build/cells.lib
	yosys -q -l build/yosys.log -s synthesise.ys

# Synthesis knows one library of gates alone: the cells of the others are put into the first.
build/cells.lib:
	@test -n "$(PDK)" || { echo "name the folder of the kit: make PDK=FOLDER, or set $(kit)" >&2; exit 2; }
	@mkdir -p build
	@cd "$(PDK)" && for name in $(libraries); do test -f $$name || test -f $$name.gz || { echo "$(PDK)/$$name is not there" >&2; exit 2; }; done
	@( cd "$(PDK)" && for name in $(libraries); do if test -f $$name; then cat $$name; else gunzip -c $$name.gz; fi; done ) \
	| awk -v avoid='$(avoid)' ' \
	  /^[ \t]*library[ \t]*\(/ { depth = 0; files++; first = files == 1; inside = first } \
	  depth == 1 && match($$0, /^[ \t]*cell[ \t]*\(/) { \
	    name = substr($$0, RLENGTH + 1); gsub(/[" \t]|\).*/, "", name); inside = name !~ avoid; in_cell = 1 } \
	  { line = $$0; gsub(/"[^"]*"/, "", line); depth += gsub(/{/, "", line) - gsub(/}/, "", line) } \
	  depth == 0 && files > 0 { next } \
	  inside { print } \
	  in_cell && depth == 1 { inside = first; in_cell = 0 } \
	  END { print "}" }' > build/cells.lib

.PHONY: clean
clean:
	rm -rf build
