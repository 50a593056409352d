"""Open311 GeoReport v2 in front of the same door and the same view. http://wiki.open311.org/GeoReport_v2"""
