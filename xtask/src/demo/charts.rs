//! The pictures, drawn as SVG by charts-rs.

use charts_rs::{BarChart, FunnelChart, HorizontalBarChart, WaterfallChart};
use serde_json::{Value, json};

const BLUE: &str = "#2f6fed";
const LIGHT: &str = "#b9cdf8";
const PALE: &str = "#8fb0f5";
const GREEN: &str = "#1f9d72";
const RED: &str = "#d65a4e";
const INK: &str = "#46506a";
const RULE: &str = "#e6e9f2";

/// Points of a chart: a category and its value.
pub type Points = Vec<(String, f64)>;

/// A decimal as a length on paper; the figures beside the picture stay exact.
pub fn length(decimal: impl std::fmt::Display) -> f64 {
    decimal.to_string().parse().unwrap_or(0.0)
}

/// What all charts share.
fn style(width: u32, height: usize) -> Value {
    json!({
        "width": width, "height": height, "margin": {"left": 8, "top": 8, "right": 16, "bottom": 4},
        "legend_show": false, "tooltip_show": true,
        "series_label_font_color": INK, "series_label_font_size": 12, "series_label_formatter": "{t}",
        "x_axis_font_color": INK, "x_axis_font_size": 11, "grid_stroke_color": RULE, "x_axis_stroke_color": RULE,
    })
}

/// An axis from zero to a round number above the longest bar, in five parts.
fn axis(values: impl IntoIterator<Item = f64>, formatter: &str) -> Value {
    let longest = values.into_iter().fold(1.0, f64::max) * 1.06;
    let power = 10_f64.powf((longest / 5.0).log10().floor());
    let step = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|part| part * power)
        .find(|step| step * 5.0 >= longest);
    let end = step.unwrap_or(longest / 5.0) * 5.0;
    json!([{"axis_font_color": INK, "axis_font_size": 11, "axis_formatter": formatter,
        "axis_min": 0, "axis_max": end, "axis_split_number": 5}])
}

/// A chart's own settings over the shared ones, as the library reads them.
fn with(mut shared: Value, own: Value) -> String {
    if let (Some(all), Value::Object(own)) = (shared.as_object_mut(), own) {
        all.extend(own);
    }
    shared.to_string()
}

/// Stages one above the other, as wide as what came into them.
pub fn funnel(stages: &Points) -> Result<String, String> {
    let series: Vec<Value> = stages.iter().map(|(name, value)| json!({"name": name, "data": [value]})).collect();
    let own = json!({"series_list": series, "series_colors": [BLUE, "#5b8def", GREEN], "series_label_formatter": "{a}  {t}",
        "series_label_position": "inside", "series_label_font_color": "#ffffff", "series_label_font_size": 15, "funnel_gap": 4});
    let chart = FunnelChart::from_json(&with(style(560, 260), own)).map_err(|e| e.to_string())?;
    chart.svg().map_err(|e| e.to_string())
}

/// Upright bars in thousands, a group of them for each category.
pub fn columns(categories: &[String], series: &[(&str, Vec<f64>)]) -> Result<String, String> {
    let thousands = |data: &[f64]| data.iter().map(|value| (value / 1000.0).round()).collect::<Vec<f64>>();
    let longest = series.iter().flat_map(|(_, data)| thousands(data));
    let colors = if series.len() > 1 { [LIGHT, BLUE] } else { [BLUE, LIGHT] };
    let several = series.len() > 1;
    let list: Vec<Value> =
        series.iter().map(|(name, data)| json!({"name": name, "data": thousands(data), "label_show": true})).collect();
    let own = json!({"x_axis_data": categories, "series_list": list, "series_colors": colors, "radius": 3,
        "series_label_formatter": "{t}k", "y_axis_configs": axis(longest, "{t}k")});
    let chart = BarChart::from_json(&with(style(560, 300), own)).map_err(|e| e.to_string())?;
    let svg = chart.svg().map_err(|e| e.to_string())?;
    Ok(if several { format!("{}{svg}", legend(series, &colors)) } else { svg })
}

/// The names of the series, set by the browser: the library cannot measure Chinese.
fn legend(series: &[(&str, Vec<f64>)], colors: &[&str]) -> String {
    let names = series.iter().zip(colors);
    let names: String =
        names.map(|((name, _), color)| format!("<i style=\"background:{color}\"></i>{name} ")).collect();
    format!("<p class=\"legend\">{names}</p>")
}

/// Lying bars, the first category on top; those below the mean are pale, where one is given.
pub fn bars(points: &Points, unit: &str, mean: Option<f64>) -> Result<String, String> {
    let (names, data): (Vec<&str>, Vec<f64>) = points.iter().rev().map(|(name, value)| (name.as_str(), *value)).unzip();
    let color = |value: &f64| if mean.is_some_and(|mean| *value < mean) { PALE } else { BLUE };
    let colors: Vec<&str> = data.iter().map(color).collect();
    let series = json!({"name": "", "data": data, "label_show": true, "colors": colors});
    let label = format!("{}{unit}", if mean.is_some() { "{c}" } else { "{t}" });
    let own = json!({"x_axis_data": names, "series_list": [series], "series_label_formatter": label,
        "y_axis_configs": axis(data.iter().copied(), &label)});
    let mut shared = style(560, 40 + 26 * points.len());
    if let Some(margin) = shared.pointer_mut("/margin/right") {
        *margin = json!(64);
    }
    let chart = HorizontalBarChart::from_json(&with(shared, own)).map_err(|e| e.to_string())?;
    chart.svg().map_err(|e| e.to_string())
}

/// Steps from the first amount to the last; the bool marks a running total.
pub fn waterfall(steps: &[(String, f64, bool)]) -> Result<String, String> {
    let names: Vec<&str> = steps.iter().map(|(name, _, _)| name.as_str()).collect();
    let data: Vec<Value> = steps.iter().map(|(_, value, total)| json!([value, total])).collect();
    let own = json!({"x_axis_data": names, "data": data, "increase_color": BLUE, "decrease_color": RED, "total_color": GREEN,
        "y_axis_configs": axis(steps.iter().map(|(_, value, _)| *value), "{t}")});
    let chart = WaterfallChart::from_json(&with(style(560, 300), own)).map_err(|e| e.to_string())?;
    chart.svg().map_err(|e| e.to_string())
}
