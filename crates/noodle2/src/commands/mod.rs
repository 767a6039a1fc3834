//! One file for each group of commands. Each reads what it needs, asks another room, prints.

mod approve;
mod cache;
mod diagnose;
mod doctor;
mod eco;
mod ended;
mod explain;
mod files;
mod handover;
mod init;
mod inspect;
mod minimize;
mod plan;
mod priors;
mod run;
mod simulate;
mod timing_report;
mod verify;

pub(crate) use approve::approve;
pub(crate) use cache::cache;
pub(crate) use diagnose::diagnose;
pub(crate) use doctor::doctor;
pub(crate) use eco::{LintOrder, eco_lint, eco_list, eco_show};
pub(crate) use explain::explain;
pub(crate) use files::check;
pub(crate) use handover::{HandoverOrder, handover};
pub(crate) use init::init;
pub(crate) use inspect::{folded, lineage, report, show, status};
pub(crate) use minimize::{MinimizeOrder, minimize};
pub(crate) use plan::plan;
pub(crate) use priors::priors;
pub(crate) use run::{Stores, resume, run};
pub(crate) use simulate::simulate;
pub(crate) use timing_report::timing_report;
pub(crate) use verify::verify;
