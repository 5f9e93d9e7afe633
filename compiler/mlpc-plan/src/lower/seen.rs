//! What is seen of a dataset: where its days begin, and to what the pipeline's `as_of` cuts it.

use super::Lowering;
use super::expr::iso;
use crate::plan::Cut;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mlpc_hir::block_named;
use mlpc_hir::blocks::dataset::{dataset, dataset_shape};
use mlpc_hir::typed::{Const, Dataset};
use mlpc_hir::types::TyKind;

impl Lowering<'_> {
    /// The dataset of this name.
    fn seen(&self, name: &str) -> Option<&Dataset> {
        block_named(self.db, self.project, "dataset", name).map(|block| &dataset(self.db, block).value)
    }

    /// The zone in which the days of a dataset begin, where that is not UTC.
    pub(super) fn zone(&self, dataset: &str) -> Option<String> {
        self.seen(dataset)?.timezone.clone().filter(|zone| zone != "UTC")
    }

    /// The same for a column that holds days; instants have no need of it.
    pub(super) fn zone_of_days(&self, dataset: &str, column: &str) -> Option<String> {
        let found = self.seen(dataset)?.columns.iter().find(|known| known.column.name == column)?;
        self.zone(dataset).filter(|_| found.column.ty.kind == TyKind::Date)
    }

    /// To what the pipeline cuts a dataset; one without a time is seen as it is.
    pub(super) fn cut(&self, name: &str) -> Option<Cut> {
        self.as_of.as_ref()?;
        let block = block_named(self.db, self.project, "dataset", name)?;
        let (value, shape) = (&dataset(self.db, block).value, dataset_shape(self.db, block));
        let time = value.timestamp.clone().or_else(|| value.valid.as_ref().map(|(from, _)| from.clone()))?;
        let known = |nullable: bool| {
            let columns = value.columns.iter().map(|known| &known.column);
            columns
                .filter(move |column| column.ty.nullable == nullable)
                .map(|column| (column.name.clone(), shape.known_ms(&column.name)))
        };
        let rows_ms = known(false).map(|(_, ms)| ms).max().unwrap_or_default();
        let cells = known(true).filter(|(_, ms)| *ms > rows_ms).collect();
        Some(Cut { time, rows_ms, cells })
    }

    /// Until when labels over a dataset are complete, where they read what is known `known_ms` after its row.
    pub(super) fn complete_until(&self, dataset: &str, known_ms: i64) -> Option<String> {
        let as_of = self.as_of.as_ref()?;
        let zone = self.zone(dataset).and_then(|zone| TimeZone::get(&zone).ok());
        let Some(instant) = instant(as_of, zone.as_ref()).filter(|_| known_ms != 0 || zone.is_some()) else {
            return Some(iso(as_of));
        };
        Some(
            instant
                .saturating_sub(SignedDuration::from_millis(known_ms))
                .map_or_else(|_| iso(as_of), |end| end.to_string()),
        )
    }
}

/// The instant that a moment is: of a day, its midnight in the zone.
fn instant(moment: &Const, zone: Option<&TimeZone>) -> Option<Timestamp> {
    match moment {
        Const::Instant(micros) => Timestamp::from_microsecond(*micros).ok(),
        Const::Date(_) => {
            let day: jiff::civil::Date = iso(moment).parse().ok()?;
            Some(day.to_zoned(zone.cloned().unwrap_or(TimeZone::UTC)).ok()?.timestamp())
        }
        _ => None,
    }
}
