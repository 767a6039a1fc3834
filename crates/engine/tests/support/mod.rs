//! What the tests with a real `sta` share: a runner of commands without limits, and studies in a
//! temporary folder.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use noodle2_engine::{
    Eco, EcoOrigin, Engine, ParentFacts, Platform, Preparation, PrepareProblem, StudyContext,
    TrialRequest,
};
use noodle2_liberty::LibraryCache;
use noodle2_model::{
    AttemptUsage, Check, Clocks, CommandEnding, CommandReport, CommandSpec, Design, DesignGuard,
    EcoProposal, EngineKind, EngineSpec, Failure, Measurement, Metric, Objective, Outcome,
    Parasitics, Scene, StageIndex, Study, TrialId,
};

/// Runs a command to its end.
pub fn run(spec: &CommandSpec) -> CommandReport {
    run_under(&[], spec)
}

/// Runs a command as an argument of another, such as one that sets limits.
pub fn run_under(wrapper: &[&str], spec: &CommandSpec) -> CommandReport {
    let log = File::create(&spec.log).unwrap();
    let mut words: Vec<String> = wrapper.iter().map(|word| (*word).to_owned()).collect();
    words.push(spec.program.to_str().unwrap().to_owned());
    words.extend(spec.arguments.iter().cloned());
    let status = Command::new(&words[0])
        .args(&words[1..])
        .env_clear()
        .envs(&spec.environment)
        .current_dir(&spec.folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .status();
    CommandReport {
        ending: match status {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => CommandEnding::Exited(code),
                (None, Some(signal)) => CommandEnding::Signalled(signal),
                (None, None) => unreachable!("a command ends by exit or by signal"),
            },
            Err(error) => CommandEnding::NotStarted(error.to_string()),
        },
        stopped_by: None,
        usage: AttemptUsage::default(),
        output_truncated: false,
        forked: false,
    }
}

/// The folder of real designs, where it is there.
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
pub fn shared() -> Option<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    match folder.join("designs").is_dir() {
        true => Some(folder.canonicalize().unwrap()),
        false => {
            eprintln!("SKIPPED: no folder of real designs beside the project");
            None
        }
    }
}

/// Two registers with gates between them, an input and an output, on OSU018.
pub const TINY_NETLIST: &str = "\
module tiny (clk, a, b, y);
  input clk, a, b;
  output y;
  wire n1, n2, n3, q1;
  DFFPOSX1 r1 (.CLK(clk), .D(n1), .Q(q1));
  NAND2X1 u1 (.A(a), .B(q1), .Y(n1));
  INVX1 u2 (.A(q1), .Y(n2));
  NAND2X1 u3 (.A(n2), .B(b), .Y(n3));
  DFFPOSX1 r2 (.CLK(clk), .D(n3), .Q(y));
endmodule
";

/// Constrains all of it.
pub const TINY_CONSTRAINTS: &str = "\
create_clock -name clk -period 0.4 [get_ports clk]
set_input_delay 0.1 -clock clk [get_ports {a b}]
set_output_delay 0.1 -clock clk [get_ports y]
";

/// Stands in for `openroad` in tests: it places and routes nothing, and says so.
pub const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stand_in/openroad");

/// All of it in two rows, one cell beside the other.
pub const TINY_PLACEMENT: &str = "\
VERSION 5.8 ;
DIVIDERCHAR \"/\" ;
BUSBITCHARS \"[]\" ;
DESIGN tiny ;
UNITS DISTANCE MICRONS 1000 ;
DIEAREA ( 0 0 ) ( 80000 40000 ) ;
ROW ROW_0 core 8000 10000 N DO 80 BY 1 STEP 800 0 ;
ROW ROW_1 core 8000 20000 FS DO 80 BY 1 STEP 800 0 ;
COMPONENTS 5 ;
    - r1 DFFPOSX1 + PLACED ( 8000 10000 ) N ;
    - u1 NAND2X1 + PLACED ( 17600 10000 ) N ;
    - u2 INVX1 + PLACED ( 20000 10000 ) N ;
    - u3 NAND2X1 + PLACED ( 8000 20000 ) FS ;
    - r2 DFFPOSX1 + FIXED ( 20000 20000 ) FS ;
END COMPONENTS
PINS 4 ;
    - clk + NET clk + DIRECTION INPUT + USE SIGNAL + PLACED ( 0 12000 ) N ;
    - a + NET a + DIRECTION INPUT + USE SIGNAL + PLACED ( 0 14000 ) N ;
    - b + NET b + DIRECTION INPUT + USE SIGNAL + PLACED ( 0 22000 ) N ;
    - y + NET y + DIRECTION OUTPUT + USE SIGNAL + PLACED ( 80000 22000 ) N ;
END PINS
NETS 8 ;
    - clk ( PIN clk ) ( r1 CLK ) ( r2 CLK ) + USE SIGNAL ;
    - a ( PIN a ) ( u1 A ) + USE SIGNAL ;
    - b ( PIN b ) ( u3 B ) + USE SIGNAL ;
    - y ( PIN y ) ( r2 Q ) + USE SIGNAL ;
    - n1 ( u1 Y ) ( r1 D ) + USE SIGNAL ;
    - n2 ( u2 Y ) ( u3 A ) + USE SIGNAL ;
    - n3 ( u3 Y ) ( r2 D ) + USE SIGNAL ;
    - q1 ( r1 Q ) ( u1 B ) ( u2 A ) + USE SIGNAL ;
END NETS
END DESIGN
";

/// Wires of every net.
pub const TINY_PARASITICS: &str = "\
*SPEF \"IEEE 1481-1998\"
*DESIGN \"tiny\"
*DATE \"today\"
*VENDOR \"none\"
*PROGRAM \"by hand\"
*VERSION \"1\"
*DESIGN_FLOW \"none\"
*DIVIDER /
*DELIMITER :
*BUS_DELIMITER []
*T_UNIT 1 NS
*C_UNIT 1 PF
*R_UNIT 1 OHM
*L_UNIT 1 HENRY

*PORTS
clk I
a I
b I
y O

*D_NET clk 0.02
*CONN
*P clk I
*I r1:CLK I
*I r2:CLK I
*CAP
1 clk 0.01
2 r1:CLK 0.005
3 r2:CLK 0.005
*RES
1 clk r1:CLK 10
2 clk r2:CLK 10
*END

*D_NET a 0.01
*CONN
*P a I
*I u1:A I
*CAP
1 a 0.005
2 u1:A 0.005
*RES
1 a u1:A 10
*END

*D_NET b 0.01
*CONN
*P b I
*I u3:B I
*CAP
1 b 0.005
2 u3:B 0.005
*RES
1 b u3:B 10
*END

*D_NET q1 0.03
*CONN
*I r1:Q O
*I u1:B I
*I u2:A I
*CAP
1 r1:Q 0.02
2 u1:B 0.005
3 u2:A 0.005
*RES
1 r1:Q u1:B 50
2 r1:Q u2:A 50
*END

*D_NET n1 0.02
*CONN
*I u1:Y O
*I r1:D I
*CAP
1 u1:Y 0.01
2 r1:D 0.01
*RES
1 u1:Y r1:D 50
*END

*D_NET n2 0.02
*CONN
*I u2:Y O
*I u3:A I
*CAP
1 u2:Y 0.01
2 u3:A 0.01
*RES
1 u2:Y u3:A 50
*END

*D_NET n3 0.02
*CONN
*I u3:Y O
*I r2:D I
*CAP
1 u3:Y 0.01
2 r2:D 0.01
*RES
1 u3:Y r2:D 50
*END

*D_NET y 0.01
*CONN
*I r2:Q O
*P y O
*CAP
1 r2:Q 0.005
2 y 0.005
*RES
1 r2:Q y 10
*END
";

/// A scene of the platform's default corner.
pub fn scene(name: &str, sdc: impl Into<PathBuf>) -> Scene {
    Scene {
        name: name.to_owned(),
        sdc: vec![sdc.into()],
        liberty: Vec::new(),
        parasitics: Parasitics::None,
        clocks: Clocks::Ideal,
        checks: vec![Check::Setup, Check::Hold],
        ideal_hold: None,
    }
}

/// A study in a folder of its own.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub study: Study,
    pub platform_root: Option<PathBuf>,
    attempts: u32,
}

impl Bench {
    /// A study of `design` with its files anywhere.
    pub fn new(platform: &str, top: &str, netlist: impl Into<PathBuf>, scenes: Vec<Scene>) -> Self {
        let study = Study {
            name: "test".to_owned(),
            description: String::new(),
            seed: 1,
            safety_domain: Default::default(),
            safety: Default::default(),
            design: Design {
                case_name: "case".to_owned(),
                top: top.to_owned(),
                netlists: vec![netlist.into()],
                platform: platform.to_owned(),
                platform_root: None,
                black_boxes: Vec::new(),
                unconstrained_endpoints: 0,
            },
            scenes,
            engine: EngineSpec::of(EngineKind::Opensta),
            objective: Objective {
                rank: vec![Metric::SetupWns],
                bounds: Vec::new(),
            },
            eco_path: Vec::new(),
            noise: Default::default(),
            budget: Default::default(),
            limits: Default::default(),
            notify: Vec::new(),
            priors: None,
            stages: Vec::new(),
        };
        Self {
            folder: tempfile::tempdir().unwrap(),
            study,
            platform_root: None,
            attempts: 0,
        }
    }

    /// The tiny design.
    pub fn tiny() -> Self {
        let bench = Self::new(
            "osu018",
            "tiny",
            "tiny.v",
            vec![scene("typical", "tiny.sdc")],
        );
        bench.write("tiny.v", TINY_NETLIST);
        bench.write("tiny.sdc", TINY_CONSTRAINTS);
        bench
    }

    /// The tiny design with its cells placed, and the stand-in for OpenROAD, which says what it is wherever it is named.
    pub fn placed() -> Self {
        let mut bench = Self::tiny();
        bench.study.engine = EngineSpec {
            path: Some(STAND_IN.into()),
            snapshot: Some("tiny.def".into()),
            ..EngineSpec::of(EngineKind::Openroad)
        };
        bench.write("tiny.def", TINY_PLACEMENT);
        bench
    }

    /// One of the real designs.
    pub fn real(shared: &Path, name: &str, scenes: impl FnOnce(&Path) -> Vec<Scene>) -> Self {
        let folder = shared.join("designs").join(name);
        let about = std::fs::read_to_string(folder.join("design.txt")).unwrap();
        let field = |key: &str| {
            let line = about
                .lines()
                .find_map(|line| line.strip_prefix(key))
                .unwrap();
            line.trim().to_owned()
        };
        let platform = field("platform:");
        let scenes = scenes(&folder.join("constraints.sdc"));
        let mut bench = Self::new(&platform, &field("top:"), folder.join("netlist.v"), scenes);
        bench.platform_root = Some(shared.join("pdk").join(platform));
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn prepare(&self) -> Result<StudyContext, Vec<PrepareProblem>> {
        let probe = self.path("probe");
        std::fs::create_dir_all(&probe).unwrap();
        let spec = &self.study.engine;
        let engine = Engine::probe(spec, spec.path.as_deref(), &probe, &mut run).unwrap();
        let platform =
            Platform::load(&self.study.design.platform, self.platform_root.as_deref()).unwrap();
        // Between tests of one build, so that large libraries are summarised once.
        let cache = LibraryCache::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/libraries")).unwrap();
        StudyContext::prepare(&Preparation {
            study: &self.study,
            study_folder: self.folder.path(),
            platform: &platform,
            engine: &engine,
            cache: &cache,
            shared_folder: &self.path("shared"),
        })
    }

    pub fn context(&self) -> StudyContext {
        self.prepare()
            .unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    /// A new folder for an attempt.
    pub fn attempt(&mut self) -> PathBuf {
        self.attempts += 1;
        let folder = self.path(&format!("attempt-{}", self.attempts));
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    /// Measures the base case.
    pub fn base(&mut self, context: &StudyContext) -> (PathBuf, Outcome) {
        let folder = self.attempt();
        let outcome = context.run_trial(&base_request(context, &folder), &mut run);
        (folder, outcome)
    }

    /// Measures the base case, which must succeed.
    pub fn measured_base(&mut self, context: &StudyContext) -> (PathBuf, Measurement) {
        let (folder, outcome) = self.base(context);
        (folder, measured(outcome))
    }

    /// Tries an ECO whose Tcl is `tcl` on a measured case.
    pub fn try_tcl(
        &mut self,
        context: &StudyContext,
        parent: &(PathBuf, Measurement),
        tcl: &str,
        changes_connectivity: bool,
    ) -> (PathBuf, Outcome) {
        self.try_tcl_with(context, parent, tcl, changes_connectivity, &mut run)
    }

    pub fn try_tcl_with(
        &mut self,
        context: &StudyContext,
        parent: &(PathBuf, Measurement),
        tcl: &str,
        changes_connectivity: bool,
        run: &mut dyn FnMut(&CommandSpec) -> CommandReport,
    ) -> (PathBuf, Outcome) {
        let implementation = "implementation:\n  tcl: eco.tcl\n";
        let eco = eco(implementation, changes_connectivity, &[("eco.tcl", tcl)]);
        let folder = self.attempt();
        let outcome = try_eco(context, parent, &eco, &folder, run);
        (folder, outcome)
    }
}

pub fn base_request<'a>(context: &StudyContext, folder: &Path) -> TrialRequest<'a> {
    TrialRequest {
        trial: TrialId::BASE,
        folder: folder.to_owned(),
        netlists: context.base_netlists().to_vec(),
        of_case: true,
        parent: None,
        eco: None,
        seed: 1,
        guard: Default::default(),
        perturbation: None,
        mode: Default::default(),
        audits_gain: false,
    }
}

/// An ECO called `test` with one parameter, of the class `placement_local`.
pub fn eco(implementation: &str, changes_connectivity: bool, files: &[(&str, &str)]) -> Eco {
    eco_of_class(
        "placement_local",
        implementation,
        changes_connectivity,
        files,
    )
}

pub fn eco_of_class(
    class: &str,
    implementation: &str,
    changes_connectivity: bool,
    files: &[(&str, &str)],
) -> Eco {
    let manifest = format!(
        "name: test\nversion: 1\nclass: {class}\nengines: [opensta]\ndescription: A test.\n\
         parameters:\n  cell:\n    description: A word.\n    type: choice\n    choices: [INVX2, \"[exec touch pwned] $x {{\"]\n    default: INVX2\n\
         changes_connectivity: {changes_connectivity}\n{implementation}"
    );
    let mut all: std::collections::BTreeMap<String, Vec<u8>> = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect();
    all.insert("eco.yaml".to_owned(), manifest.into_bytes());
    Eco::new("test", all, EcoOrigin::BuiltIn).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

pub fn proposal(eco: &Eco) -> EcoProposal {
    EcoProposal::single(&eco.manifest, eco.content, &Default::default())
}

pub fn try_eco(
    context: &StudyContext,
    parent: &(PathBuf, Measurement),
    eco: &Eco,
    folder: &Path,
    run: &mut dyn FnMut(&CommandSpec) -> CommandReport,
) -> Outcome {
    try_eco_under(context, parent, eco, folder, DesignGuard::default(), run)
}

pub fn try_eco_under(
    context: &StudyContext,
    parent: &(PathBuf, Measurement),
    eco: &Eco,
    folder: &Path,
    guard: DesignGuard,
    run: &mut dyn FnMut(&CommandSpec) -> CommandReport,
) -> Outcome {
    let request = TrialRequest {
        trial: TrialId {
            stage: StageIndex(1),
            derived: 1,
        },
        folder: folder.to_owned(),
        netlists: vec![parent.0.join("netlist.v")],
        of_case: true,
        parent: Some(ParentFacts::from(&parent.1)),
        eco: Some((&proposal(eco), eco)),
        seed: 7,
        guard,
        perturbation: None,
        mode: Default::default(),
        audits_gain: false,
    };
    context.run_trial(&request, run)
}

pub fn measured(outcome: Outcome) -> Measurement {
    match outcome {
        Outcome::Measured(measurement) => std::sync::Arc::unwrap_or_clone(measurement),
        other => panic!("not measured: {other:#?}"),
    }
}

pub fn failed(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Failed(failure) => failure,
        other => panic!("not failed: {other:#?}"),
    }
}
