//! Plain tables for terminals and Markdown.

/// A table of texts; columns of numbers are set flush right.
#[derive(Debug, Clone)]
pub struct Table {
    head: Vec<String>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column titles; a title that starts with `>` is set flush right, its column too.
    pub fn new(titles: &[&str]) -> Self {
        Self {
            head: titles
                .iter()
                .map(|title| title.trim_start_matches('>').to_owned())
                .collect(),
            right: titles.iter().map(|title| title.starts_with('>')).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; cells beyond the titles are dropped.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows
            .push(cells.into_iter().take(self.head.len()).collect());
    }

    /// Whether it has no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table in columns two spaces apart, titles underlined with dashes.
    pub fn text(&self) -> String {
        let widths = self.widths(|cell| cell.chars().count());
        let mut lines = vec![self.line(&self.head, &widths)];
        let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        lines.push(rules.join("  "));
        lines.extend(self.rows.iter().map(|row| self.line(row, &widths)));
        lines.join("\n") + "\n"
    }

    /// The table in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let escape = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |", cells.join(" | "))
        };
        let rules: Vec<String> = self
            .right
            .iter()
            .map(|right| if *right { "---:" } else { "---" }.to_owned())
            .collect();
        let mut lines = vec![escape(&self.head), escape(&rules)];
        lines.extend(self.rows.iter().map(|row| escape(row)));
        lines.join("\n") + "\n"
    }

    fn widths(&self, width: impl Fn(&String) -> usize) -> Vec<usize> {
        (0..self.head.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                std::iter::once(&self.head[column])
                    .chain(cells)
                    .map(&width)
                    .max()
                    .unwrap_or(0)
            })
            .collect()
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let cells: Vec<String> = cells
            .iter()
            .zip(widths)
            .zip(&self.right)
            .map(|((cell, width), right)| {
                let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
                if *right {
                    padding + cell
                } else {
                    cell.clone() + &padding
                }
            })
            .collect();
        cells.join("  ").trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_markdown_escapes_bars() {
        let mut table = Table::new(&["stage", ">trials"]);
        table.row(["timing|area".to_owned(), "7".to_owned()]);
        assert_eq!(
            table.text(),
            "stage        trials\n───────────  ──────\ntiming|area       7\n"
        );
        assert_eq!(
            table.markdown(),
            "| stage | trials |\n| --- | ---: |\n| timing\\|area | 7 |\n"
        );
    }
}
