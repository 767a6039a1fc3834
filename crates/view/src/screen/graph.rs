//! The graph of stages as lanes of a terminal: a row for each stage, and one more wherever branches part or meet.

use renderdag::{Ancestor, GraphRowRenderer, Renderer};

use super::Charset;

/// A row of the graph.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lane {
    /// The position of the stage that stands in this row; `None` where branches part or meet.
    pub stage: Option<usize>,
    /// What is drawn before the glyph of the stage, and of a row without a stage all that is drawn.
    pub before: String,
    /// What is drawn behind the glyph.
    pub after: String,
}

/// Stands for the glyph of a stage until it is known: a character that no lane is drawn with.
const PLACE: char = '@';

/// Draws stages, given in an order in which each stands behind all that it starts from, with the stages that start
/// from each.
pub(super) fn lanes(order: &[usize], followers: &[Vec<usize>], charset: Charset) -> Vec<Lane> {
    let rows = GraphRowRenderer::new().output().with_min_row_height(1);
    let mut draw: Box<dyn Renderer<usize, Output = String>> = match charset {
        Charset::Unicode => Box::new(rows.build_box_drawing()),
        Charset::Ascii => Box::new(rows.build_ascii()),
    };
    let mut lanes = Vec::new();
    for stage in order {
        let next = followers[*stage].iter().copied();
        let next = next.map(Ancestor::Parent).collect();
        let drawn = draw.next_row(*stage, next, PLACE.to_string(), String::new());
        lanes.extend(drawn.lines().map(|row| match row.split_once(PLACE) {
            Some((before, after)) => Lane {
                stage: Some(*stage),
                before: before.to_owned(),
                after: after.trim_end().to_owned(),
            },
            None => Lane {
                stage: None,
                before: row.trim_end().to_owned(),
                after: String::new(),
            },
        }));
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(followers: &[Vec<usize>], charset: Charset) -> Vec<String> {
        let order: Vec<usize> = (0..followers.len()).collect();
        let lanes = lanes(&order, followers, charset);
        let text = |lane: &Lane| {
            let glyph = lane.stage.map(|stage| stage.to_string());
            format!("{}{}{}", lane.before, glyph.unwrap_or_default(), lane.after)
        };
        lanes.iter().map(text).collect()
    }

    #[test]
    fn branches_part_and_meet() {
        let diamond = [vec![1, 2], vec![3], vec![3], vec![]];
        assert_eq!(
            drawn(&diamond, Charset::Unicode),
            ["0", "├─╮", "1 │", "│ 2", "├─╯", "3"]
        );
        assert_eq!(
            drawn(&diamond, Charset::Ascii),
            ["0", "|\\", "1 |", "| 2", "|/", "3"]
        );
    }

    #[test]
    fn every_stage_has_one_row_in_any_graph() {
        let uneven = [
            vec![1, 2, 4],
            vec![3, 5],
            vec![3],
            vec![5],
            vec![5],
            vec![],
            vec![],
        ];
        let order: Vec<usize> = (0..uneven.len()).collect();
        for charset in [Charset::Unicode, Charset::Ascii] {
            let lanes = lanes(&order, &uneven, charset);
            let stages: Vec<usize> = lanes.iter().filter_map(|lane| lane.stage).collect();
            assert_eq!(stages, order);
        }
    }
}
