//! The table: a row for each task, a column for each program.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

/// The program whose figures are in a column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Ours,
    /// The least that the task takes: one process that makes only the system calls, or only the steps of s6.
    Floor,
    TwoFloors,
    Tar,
    Cp,
    Foreman,
    Honcho,
    Hermes,
    /// The time of Hermes after its start.
    HermesLoop,
    Older,
}

impl Column {
    const ALL: [Self; 10] = [
        Self::Ours,
        Self::Floor,
        Self::TwoFloors,
        Self::Tar,
        Self::Cp,
        Self::Foreman,
        Self::Honcho,
        Self::Hermes,
        Self::HermesLoop,
        Self::Older,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Floor => "floor",
            Self::TwoFloors => "2 floors",
            Self::Tar => "tar -x",
            Self::Cp => "cp -a",
            Self::Foreman => "foreman",
            Self::Honcho => "honcho",
            Self::Hermes => "Hermes",
            Self::HermesLoop => "its loop",
            Self::Older => "older",
        }
    }

    /// Whether this is another project's program, which may be missing, slow or unable.
    pub(crate) const fn is_other(self) -> bool {
        matches!(self, Self::Foreman | Self::Honcho | Self::Hermes | Self::HermesLoop)
    }
}

/// A figure, or the reason why there is none.
pub(crate) enum Cell {
    Figure { median: f64, least: f64, most: f64, rounds: usize },
    None(&'static str),
}

impl Cell {
    pub(crate) fn median(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let (Some(least), Some(most)) = (times.first(), times.last()) else { return Self::None("no figure") };
        Self::Figure { median: times[times.len() / 2], least: *least, most: *most, rounds: times.len() }
    }

    pub(crate) const fn figure(&self) -> Option<f64> {
        match self {
            Self::Figure { median, .. } => Some(*median),
            Self::None(_) => None,
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Milliseconds,
    Kibibytes,
    /// A count, for example of processes.
    Count,
}

pub(crate) struct Row {
    pub(crate) task: &'static str,
    /// The number of gateways.
    pub(crate) count: usize,
    pub(crate) unit: Unit,
    pub(crate) cells: Vec<(Column, Cell)>,
    /// A note beside our figure.
    pub(crate) note: String,
}

impl Row {
    pub(crate) fn new(task: &'static str, count: usize, cells: Vec<(Column, Cell)>) -> Self {
        Self { task, count, unit: Unit::Milliseconds, cells, note: String::new() }
    }

    pub(crate) fn cell(&self, column: Column) -> Option<&Cell> {
        self.cells.iter().find(|(of, _)| *of == column).map(|(_, cell)| cell)
    }

    pub(crate) fn figure(&self, column: Column) -> Option<f64> {
        self.cell(column)?.figure()
    }

    fn told(&self, column: Column) -> String {
        match (self.cell(column), self.unit) {
            (None, _) => String::new(),
            (Some(Cell::None(why)), _) => (*why).to_owned(),
            (Some(Cell::Figure { median, .. }), Unit::Milliseconds) => time(*median),
            (Some(Cell::Figure { median, .. }), Unit::Kibibytes) => format!("{:.1} MiB", median / 1024.0),
            (Some(Cell::Figure { median, .. }), Unit::Count) => digits(*median),
        }
    }

    /// The ratio of this figure to ours.
    fn ratio(&self, column: Column) -> String {
        match (self.figure(column), self.figure(Column::Ours)) {
            (Some(it), Some(ours)) if column != Column::Ours => format!("{}×", digits(it / ours)),
            _ => String::new(),
        }
    }
}

#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    pub(crate) fn push(&mut self, row: Row) {
        eprintln!("done: {} {}", row.task, grouped(row.count));
        self.0.push(row);
    }

    /// The columns that are not empty.
    fn columns(&self) -> Vec<Column> {
        Column::ALL.into_iter().filter(|column| self.0.iter().any(|row| row.cell(*column).is_some())).collect()
    }

    pub(crate) fn print(&self, to: &mut dyn Write) -> io::Result<()> {
        let columns = self.columns();
        let line = |to: &mut dyn Write, first: &str, text: &dyn Fn(Column) -> String| {
            let mut line = format!("{first:<24}");
            for column in &columns {
                write!(line, "{:>10}", text(*column)).unwrap();
            }
            writeln!(to, "{}", line.trim_end())
        };
        line(to, "task, gateways", &|column| column.name().to_owned())?;
        for row in &self.0 {
            line(to, &format!("{} {}", row.task, grouped(row.count)), &|column| row.told(column))?;
            let second = format!("  {}", row.note);
            if !second.trim().is_empty() || columns.iter().any(|column| !row.ratio(*column).is_empty()) {
                line(to, &second, &|column| row.ratio(column))?;
            }
        }
        writeln!(to, "\nBelow each figure: how many times ours it is.")
    }

    pub(crate) fn json(&self) -> Value {
        let row = |row: &Row| {
            let cell = |(column, cell): &(Column, Cell)| {
                let mut about = json!({ "told": row.told(*column), "ratio": row.ratio(*column) });
                if let Cell::Figure { median, least, most, rounds } = cell {
                    about["median"] = json!(median);
                    about["least"] = json!(least);
                    about["most"] = json!(most);
                    about["rounds"] = json!(rounds);
                }
                (column.name().to_owned(), about)
            };
            let cells: Map<String, Value> = row.cells.iter().map(cell).collect();
            let unit = match row.unit {
                Unit::Milliseconds => "ms",
                Unit::Kibibytes => "KiB",
                Unit::Count => "",
            };
            json!({ "task": row.task, "count": row.count, "told": format!("{} {}", row.task, grouped(row.count)), "unit": unit, "note": row.note, "cells": cells })
        };
        let columns: Vec<&str> = self.columns().into_iter().map(Column::name).collect();
        json!({ "columns": columns, "rows": self.0.iter().map(row).collect::<Vec<_>>() })
    }
}

/// A time with three digits.
fn time(milliseconds: f64) -> String {
    if milliseconds < 999.5 {
        format!("{} ms", digits(milliseconds))
    } else {
        format!("{} s", digits(milliseconds / 1000.0))
    }
}

/// A number with three digits.
fn digits(number: f64) -> String {
    let after = [9.995, 99.95].into_iter().filter(|limit| number < *limit).count();
    format!("{number:.after$}")
}

/// 10000 as 10,000.
fn grouped(count: usize) -> String {
    match (count / 1000, count % 1000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{thousands},{rest:03}"),
    }
}
