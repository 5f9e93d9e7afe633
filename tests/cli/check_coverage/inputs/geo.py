def near(lat: float, lon: float) -> float:
    return abs(lat) + abs(lon)
