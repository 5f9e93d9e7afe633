//! Windows are taken out of expressions: each becomes a stage with a name, before the filters.

use super::Lowering;
use super::expr::{dtype, expr, iso};
use crate::plan::{Aggregate, DType, Frame, Spine, Valid, Window, Zones};
use mlpc_hir::typed::{self, Const, TExpr, TKind, WindowCall};

/// The windows of a features block, each after those that it reads.
pub struct Windows<'a> {
    lowering: &'a Lowering<'a>,
    /// The dataset whose rows look.
    base: &'a str,
    /// In order.
    pub found: Vec<Window>,
}

impl<'a> Windows<'a> {
    /// None yet, of rows of `base`.
    pub fn new(lowering: &'a Lowering<'a>, base: &'a str) -> Self {
        Self { lowering, base, found: Vec::new() }
    }

    /// Takes the windows out of a definition's value, which then reads them by name. True if the definition is nothing
    /// but a window, which then has its name.
    pub fn take_out(&mut self, owner: &str, doc: Option<&str>, value: &mut TExpr) -> bool {
        if let TKind::Window(call) = &value.kind {
            let (call, ty) = (call.clone(), dtype(&value.ty.kind));
            self.add(owner.to_owned(), doc, ty, *call);
            return true;
        }
        self.hoist(owner, value);
        false
    }

    fn hoist(&mut self, owner: &str, value: &mut TExpr) {
        if let TKind::Window(call) = &value.kind {
            let (call, ty) = (call.clone(), dtype(&value.ty.kind));
            let name = self.name(owner, &call.aggregate);
            self.add(name.clone(), None, ty, *call);
            value.kind = TKind::Column(name);
            return;
        }
        value.children_mut().into_iter().for_each(|child| self.hoist(owner, child));
    }

    /// `owner__mean`, numbered where that is taken.
    fn name(&self, owner: &str, aggregate: &str) -> String {
        let base = format!("{owner}__{aggregate}");
        let taken = |name: &str| self.found.iter().any(|window| window.name == name);
        let numbered = (2..).map(|number| format!("{base}_{number}"));
        std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(base)
    }

    fn add(&mut self, name: String, doc: Option<&str>, dtype: DType, mut call: WindowCall) {
        // Windows within windows come first.
        let inner = call.value.iter_mut().chain(&mut call.filter).chain(&mut call.own);
        let inner = inner.chain(call.by.iter_mut().flat_map(|(here, there)| [here, there]));
        inner.for_each(|expr| self.hoist(&name, expr));
        self.found.push(Window {
            name,
            doc: doc.map(str::to_owned),
            dtype,
            source: call.source.as_ref().map(|source| source.dataset.clone()),
            aggregate: aggregate(&call),
            value: call.value.as_ref().map(expr),
            filter: call.filter.as_ref().map(expr),
            by: call.by.iter().map(|(here, there)| (expr(here), expr(there))).collect(),
            frame: self.frame(&call),
        });
    }
}

fn aggregate(call: &WindowCall) -> Aggregate {
    let rows = |name: &str| match call.constants.get(name) {
        Some(Const::Int(rows)) => u32::try_from(*rows).unwrap_or(1),
        _ => 1,
    };
    match call.aggregate.as_str() {
        "sum" => Aggregate::Sum,
        "mean" => Aggregate::Mean,
        "std" => Aggregate::Std,
        "min" => Aggregate::Min,
        "max" => Aggregate::Max,
        "quantile" => Aggregate::Quantile { q: call.constants.get("q").and_then(Const::number).unwrap_or(0.5) },
        "first" => Aggregate::First,
        "last" => Aggregate::Last,
        "n_unique" => Aggregate::NUnique,
        "ewm_mean" => Aggregate::EwmMean {
            half_life_ms: match call.constants.get("half_life") {
                Some(Const::Duration(ms)) => *ms,
                _ => 1,
            },
        },
        "lag" => Aggregate::Lag { n: rows("n") },
        "diff" => Aggregate::Diff { n: rows("n") },
        "rank" => match &call.own {
            Some(own) => Aggregate::Rank { own: Box::new(expr(own)) },
            None => Aggregate::Count,
        },
        _ => Aggregate::Count,
    }
}

impl Windows<'_> {
    fn frame(&self, call: &WindowCall) -> Frame {
        let (dataset, there) = match &call.source {
            Some(source) => (source.dataset.as_str(), source.time.clone()),
            None => (self.base, call.here.clone()),
        };
        let here = call.here.clone();
        let zones = Zones {
            here: self.lowering.zone_of_days(self.base, &here),
            there: self.lowering.zone_of_days(dataset, &there),
            until: None,
        };
        match call.frame {
            typed::Frame::Back { window_ms, rows, lag_ms } => {
                Frame::Back { here, there, window_ms, rows, lag_ms, zones }
            }
            typed::Frame::Ahead { ms, known_ms } => {
                let as_of = self.lowering.complete_until(dataset, known_ms);
                Frame::Ahead { here, there, ahead_ms: ms, as_of, zones }
            }
        }
    }
}

/// The moments of `sample`, where days begin in a zone.
pub fn spine(spine: &typed::Spine, zone: Option<String>) -> Spine {
    Spine {
        every_ms: spine.every_ms,
        start: iso(&spine.start),
        end: iso(&spine.end),
        from: spine.from.clone(),
        valid: spine.valid.as_ref().map(|(from, until)| Valid { from: from.clone(), until: until.clone() }),
        zone,
    }
}
