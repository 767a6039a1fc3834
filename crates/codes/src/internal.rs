//! Codes `N2-INTERNAL-…`: defects.

use crate::codes;

codes! {
    "N2-INTERNAL-001", "something that should not have happened" {
        meaning: "A rule that the code relies on did not hold. It stopped rather than go on with what it does not \
             understand.";
        causes: [
            "a defect of noodle2",
        ];
        advice: "Report it with the message and, where there is one, the run folder: nothing in it is lost.";
        example: "none is known";
    }
}
