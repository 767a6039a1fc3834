//! One file for each group of commands. Each reads what it needs, asks another room, prints.

mod approve;
mod doctor;
mod eco;
mod ended;
mod files;
mod init;
mod inspect;
mod run;
mod verify;

pub(crate) use approve::approve;
pub(crate) use doctor::doctor;
pub(crate) use eco::{LintOrder, eco_lint, eco_list, eco_show};
pub(crate) use files::{check, plan};
pub(crate) use init::init;
pub(crate) use inspect::{lineage, report, show, status};
pub(crate) use run::{resume, run};
pub(crate) use verify::verify;
