"""How a forecast is learned: samples, learners, rehearsals, calibration, a hazard over several spans."""
