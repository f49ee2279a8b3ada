"""Is what the prediction service must do without not even in its process?"""

import json
import signal
from pathlib import Path

from tests.serving.bundles import example_rows
from tests.serving.service import Packed, ServiceHome, running_service

FOREIGN = {
    *("prefect", "mlflow", "evidently", "dvc", "sqlalchemy", "pydantic", "pyarrow", "optuna"),
    *("pandas", "sklearn", "scipy", "skops", "skl2onnx", "onnx", "fastapi", "jinja2"),
}

TELLING = """
import atexit, json, sys
from pathlib import Path
target = Path(sys.argv.pop(1))
atexit.register(lambda: target.write_text(json.dumps(sorted(sys.modules))))
from millrace.cli.main import main
main()
"""


def test_a_service_of_onnx_bundles_has_nothing_of_training_or_the_control_plane_in_it(
    packed: dict[str, Packed], tmp_path: Path
) -> None:
    home, modules = ServiceHome(tmp_path / "home"), tmp_path / "modules.json"
    for model, bundle in packed.items():
        home.publish(model, home.add(model, bundle))
    with running_service(home, command=("-c", TELLING, str(modules))) as service:
        for model, bundle in packed.items():
            rows = example_rows(bundle)
            assert service.post(f"/v1/models/{model}/predict", rows).status == 200
            tensors = service.get("/openapi.json").json["paths"][f"/v2/models/{model}/infer"]["post"]
            example = tensors["requestBody"]["content"]["application/json"]["example"]
            assert service.post(f"/v2/models/{model}/infer", example).status == 200
            label = {"request_id": "a", "label": 1 if model != "odd" else "late"}
            assert service.post(f"/v1/models/{model}/labels", label).status == 200
        for path in ("/metrics", "/readyz", "/docs", "/v1/models"):
            assert service.get(path).status == 200
        # of SIGTERM the process dies, and tells nothing
        service.stop(signal.SIGINT)
        loaded = set(json.loads(modules.read_text("utf-8")))
    assert {"onnxruntime", "millrace.serving.app", "millrace.serving.labels"} <= loaded
    assert not FOREIGN & {name.partition(".")[0] for name in loaded}
