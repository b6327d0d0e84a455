//! PromQL, each thing once: parsed within limits, walked, printed, its matchers judged, Grafana's variables filled in,
//! evaluated. The parser's types are used from here, its functions only in this room.

pub mod canonical;
pub mod engine;
pub mod matchers;
mod modifiers;
pub mod narrowed;
pub mod native;
pub mod number;
mod parse;
mod patterns;
pub mod re2;
pub mod samples;
pub mod variables;
pub mod walk;

pub use modifiers::{compared, grouped, returns_bool};
pub use parse::{parse, refused_pattern};
pub use promql_parser::label::{MatchOp, Matcher};
pub use promql_parser::parser::value::ValueType;
pub use promql_parser::parser::{
    AggregateExpr, AtModifier, BinaryExpr, Call, Expr, LabelModifier, Offset, SubqueryExpr,
    VectorMatchCardinality, VectorSelector, token,
};
