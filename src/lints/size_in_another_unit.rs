//! A threshold that is written as a size is compared with a size, and a percentage with a ratio or with percent.

use super::Lint;
use super::time_in_another_unit::misplaced;
use crate::catalog::units::Quantity;

pub(crate) const LINT: Lint = Lint {
    code: "size-in-another-unit",
    doc: "A threshold of `10GiB` is a number of bytes, or of what the metric is in, and one of `5%` is 0.05 of a ratio, or 5 of what is in percent. Where what it is compared with is in another unit, it means nothing.",
    bad: "[metrics.queue_length]\ntype = \"gauge\"\nhelp = \"Jobs that wait\"\n\n[alerts.Queue]\nkind = \"threshold\"\nmetric = \"queue_length\"\nabove = \"10MiB\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.queue_bytes]\ntype = \"gauge\"\nhelp = \"Size of the jobs that wait\"\n\n[alerts.Queue]\nkind = \"threshold\"\nmetric = \"queue_bytes\"\nabove = \"10MiB\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, source| {
        misplaced(
            catalog,
            source,
            &[Quantity::Size, Quantity::Percentage],
            "size-in-another-unit",
        )
    },
};
