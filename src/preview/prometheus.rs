//! Answers of a running Prometheus.

use super::answers::{Answers, Axis, Labels, Series};
use crate::live::endpoint::{Endpoint, encoded};
use crate::live::http::Client;
use crate::value::Value;

/// A running Prometheus at one time.
pub(crate) struct Prometheus {
    endpoint: Endpoint,
    client: Client,
    now: i64,
    /// The seconds to show; None: those of the dashboard.
    span: Option<i64>,
}

/// Which time is shown.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shown {
    /// The end of it.
    pub at: Option<At>,
    /// How much before, in seconds; None: what the dashboard opens with.
    pub span: Option<i64>,
}

/// A moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum At {
    /// In seconds of Unix time.
    Time(i64),
    /// So many seconds before the server's now.
    Ago(i64),
}

impl Prometheus {
    /// Asks once, so that a wrong address is one sentence and not one for each panel; its clock is "now".
    pub(crate) fn connect(
        endpoint: Endpoint,
        client: Client,
        shown: Shown,
    ) -> Result<Prometheus, String> {
        let mut prometheus = Prometheus {
            endpoint,
            client,
            now: 0,
            span: shown.span,
        };
        let data = prometheus.data("/api/v1/query?query=time%28%29")?;
        prometheus.now = data["result"][0]
            .as_f64()
            .ok_or("it does not say what time it is")? as i64;
        prometheus.now = match shown.at {
            Some(At::Time(time)) => time,
            Some(At::Ago(seconds)) => prometheus.now - seconds,
            None => prometheus.now,
        };
        Ok(prometheus)
    }

    fn data(&self, path: &str) -> Result<Value, String> {
        let mut answer = self
            .endpoint
            .json(&self.client, path)
            .map_err(|refusal| self.endpoint.sentence(&refusal))?;
        match answer["status"].as_str() {
            Some("success") => Ok(answer["data"].take()),
            _ => Err(format!(
                "{} answers without success: {}",
                self.endpoint.name,
                answer["error"].as_str().unwrap_or("it gives no reason")
            )),
        }
    }
}

/// A number that JSON holds as a string: `NaN` and `+Inf` are among them.
fn number(value: &Value) -> f64 {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or(f64::NAN)
}

fn labels(metric: &Value) -> Labels {
    metric
        .entries()
        .map(|(label, value)| {
            (
                label.clone(),
                value.as_str().unwrap_or_default().to_string(),
            )
        })
        .collect()
}

impl Answers for Prometheus {
    fn now(&self) -> i64 {
        self.now
    }

    fn span(&self) -> Option<i64> {
        self.span
    }

    fn link(&self, expression: &str, seconds: i64) -> String {
        let end = chrono::DateTime::from_timestamp(self.now, 0);
        let end = end.map_or_else(String::new, |end| {
            end.format("%Y-%m-%d %H:%M:%S").to_string()
        });
        format!(
            "{}/graph?g0.expr={}&g0.tab=0&g0.range_input={seconds}s&g0.end_input={}",
            self.endpoint.url,
            encoded(expression),
            encoded(&end)
        )
    }

    fn range(&self, expression: &str, axis: &Axis) -> Result<Vec<Series>, String> {
        let path = format!(
            "/api/v1/query_range?query={}&start={}&end={}&step={}",
            encoded(expression),
            axis.at(0),
            axis.end,
            axis.step
        );
        let data = self.data(&path)?;
        let series = data["result"].items().map(|one| {
            let mut values = vec![f64::NAN; axis.count];
            for sample in one["values"].items() {
                let index =
                    (sample[0].as_f64().unwrap_or_default() as i64 - axis.at(0)) / axis.step;
                if let Some(value) = usize::try_from(index)
                    .ok()
                    .and_then(|index| values.get_mut(index))
                {
                    *value = number(&sample[1]);
                }
            }
            Series {
                labels: labels(&one["metric"]),
                values,
            }
        });
        Ok(series.collect())
    }

    fn instant(&self, expression: &str) -> Result<Vec<Series>, String> {
        let data = self.data(&format!(
            "/api/v1/query?query={}&time={}",
            encoded(expression),
            self.now
        ))?;
        if data["resultType"] == "scalar" {
            return Ok(vec![Series {
                labels: Labels::new(),
                values: vec![number(&data["result"][1])],
            }]);
        }
        let series = data["result"].items();
        Ok(series
            .map(|one| Series {
                labels: labels(&one["metric"]),
                values: vec![number(&one["value"][1])],
            })
            .collect())
    }
}
