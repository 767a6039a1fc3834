//! Codes `N2-RAY-…`: clusters.

use crate::codes;

codes! {
    "N2-RAY-001", "the bridge to Ray cannot be started" {
        meaning: "The Python that was named cannot load Ray or the bridge, or its Ray is too old.";
        causes: [
            "Ray is not installed beside the bridge",
            "another Python",
        ];
        advice: "Install the cluster's version of Ray for the Python that `--ray-python` names.";
        example: "`--executor ray` without Ray";
    }
    "N2-RAY-002", "two sides speak different versions" {
        meaning: "The controller, the bridge and the runners on the nodes have to be of one version.";
        causes: [
            "an old bridge",
            "an old noodle2 on a node",
        ];
        advice: "Install one version everywhere.";
        example: "a node whose image was not renewed";
    }
    "N2-RAY-003", "there is no cluster to be reached" {
        meaning: "No cluster answers at the address, or it does not let the bridge in.";
        causes: [
            "it does not run",
            "a wrong address",
            "a missing token",
            "an address of Ray Client",
        ];
        advice: "See whether it runs (`ray status`); start one by `ray start --head`; give `HOST:PORT`, and the \
             token by `RAY_AUTH_TOKEN`.";
        example: "`--ray-address ray://head:10001`";
    }
    "N2-RAY-004", "the cluster is open to others" {
        meaning: "Whoever reaches it can run any code on it, and it can be reached from other machines. Nothing was \
             sent.";
        causes: [
            "a cluster without a token on a public address",
        ];
        advice: "Start it with `RAY_AUTH_MODE=token`, or say `--ray-insecure` where the network itself is closed.";
        example: "a head on `0.0.0.0` without a token";
    }
    "N2-RAY-005", "the cluster runs another Ray or Python" {
        meaning: "Both sides need the same versions.";
        causes: [
            "an environment that was upgraded on one side",
        ];
        advice: "Install the cluster's versions beside noodle2.";
        example: "Ray 2.40 and Ray 2.44";
    }
    "N2-RAY-006", "a node failed at something that is not the study's" {
        meaning: "A file or folder on a node could not be used. Its attempt is made again elsewhere.";
        causes: [
            "a full disk on that node",
            "missing permission",
        ];
        advice: "Look at the node that the message names.";
        example: "a node whose `/tmp` is full";
    }
    "N2-RAY-007", "a node would measure something else" {
        meaning: "The engine, a program, a library or how they are read differ from the controller's machine; its \
             results would not be comparable, so it is not used.";
        causes: [
            "another build of OpenSTA",
            "a shared folder that is not mounted there",
        ];
        advice: "Install the same build on every node, by content.";
        example: "two distributions in one cluster";
    }
    "N2-RAY-009", "the cluster is gone" {
        meaning: "The head does not answer. The run waits for it, as long as `--ray-patience` says, then ends in a \
             state that can be resumed.";
        causes: [
            "the head was stopped",
            "the network is cut",
        ];
        advice: "Bring the cluster back, then `noodle2 resume`.";
        example: "`ray stop` while a run goes on";
    }
    "N2-RAY-011", "files did not arrive as they were made" {
        meaning: "What a node sent differs from the hashes that it told. It is not believed, and the attempt is \
             made again.";
        causes: [
            "a disk or network that changes bytes",
        ];
        advice: "Look at the disk of the node.";
        example: "a node with failing memory";
    }
    "N2-RAY-012", "the shared folder does not hold the run" {
        meaning: "Runners were told to write into a folder that is seen by all nodes, and the run folder is not in \
             it.";
        causes: [
            "`--out` leads elsewhere",
        ];
        advice: "Put the run below the shared folder, or leave `--ray-shared` out: then files travel.";
        example: "`--ray-shared /nfs --out /home/me/run`";
    }
    "N2-RAY-013", "options of a cluster without a cluster" {
        meaning: "An option that only means something on a cluster was given to a run on this machine.";
        causes: [
            "a forgotten `--executor ray`",
        ];
        advice: "Add `--executor ray`, or leave the option out.";
        example: "`noodle2 run study.yaml --out runs/a --ray-address auto`";
    }
}
