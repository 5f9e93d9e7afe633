//! Column lineage: from each model input back to its source columns.
